//! The HTTP side: how long an attempt may take, and what connects where nothing else was given.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// From a request's first byte to its answer's last.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the SDK connects with by itself: TLS by rustls, proxies from the environment.
pub(super) fn default_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector =
            Connector::builder().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// Ends each attempt after [`ATTEMPT_TIMEOUT`], the reading of the answer's body included, and refuses
/// answers that were cut.
///
/// The SDK's own timeouts are above the connector, where the pacing is: they would count the waiting for
/// one's turn, and end calls that were never made.
pub(super) fn with_time_limit(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Limited { inner: client, limit: ATTEMPT_TIMEOUT })
}

#[derive(Debug)]
struct Limited<T> {
    inner: T,
    limit: Duration,
}

impl HttpClient for Limited<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Limited { inner, limit: self.limit })
    }
}

impl HttpConnector for Limited<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, limit) = (self.inner.call(request), self.limit);
        HttpConnectorFuture::new(async move {
            let whole = async { whole_answer(answer.await?).await };
            tokio::time::timeout(limit, whole)
                .await
                .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into())))
        })
    }
}

/// An answer whose body has arrived, all of it.
async fn whole_answer(answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = ByteStream::new(answer.into_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    let body = body.into_bytes();
    if status.is_success() && is_cut(&body) {
        return Err(ConnectorError::io("the answer was cut short".into()));
    }
    let mut whole = HttpResponse::new(status, SdkBody::from(body));
    *whole.headers_mut() = headers;
    Ok(whole)
}

/// Whether XML lacks the end of its outermost element. The SDK takes a list that ends anywhere between two
/// items for a complete one; then rules would be revoked for what was in the missing part.
fn is_cut(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return true };
    let text = text.trim();
    let content = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, content)| content).trim_start(),
        None => text,
    };
    // What is no XML at all is left to the SDK to refuse.
    let Some(root) = content.strip_prefix('<') else { return !text.is_empty() && content.is_empty() };
    let name = root.split(|end: char| end.is_whitespace() || end == '>' || end == '/').next().unwrap_or_default();
    let closed =
        root.strip_suffix('>').and_then(|rest| rest.strip_suffix(name)).is_some_and(|rest| rest.ends_with("</"));
    let empty = root.strip_suffix("/>").is_some_and(|only| !only.contains('<'));
    !closed && !empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_whole_if_its_outermost_element_ends() {
        for whole in ["<A><b/></A>", "<?xml version=\"1.0\"?>\n<A x=\"1\">\n</A>\n", "<A/>", "<A x=\"1\" />", "", "{}"]
        {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
        for cut in
            ["<A", "<A>", "<A><b>1</b>", "<A><b/>", "<?xml version", "<?xml version=\"1.0\"?>", "<A><A2></A2>", "</A"]
        {
            assert!(is_cut(cut.as_bytes()), "{cut}");
        }
    }

    #[derive(Debug)]
    struct Never;

    impl HttpConnector for Never {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    #[tokio::test]
    async fn an_attempt_ends() {
        let limited = Limited { inner: SharedHttpConnector::new(Never), limit: Duration::from_millis(1) };
        let error = limited.call(HttpRequest::empty()).await.unwrap_err();
        assert!(error.is_timeout());
    }
}
