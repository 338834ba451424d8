//! How long the API server may take. kube's client waits for ever: behind a connection that was dropped without a word,
//! a worker would hang, and with it its group or object.

use std::time::Duration;

use http::{Request, Response};
use kube::client::Body;

/// An API server ends every request but a watch by then. Source: `--request-timeout` in the kube-apiserver reference.
const LIMIT: Duration = Duration::from_secs(60);

/// The client with an end to each request. An answer must have arrived whole by then, but for a watch's, of which only
/// the beginning must have: how long it may be silent is the watcher's business.
pub fn with_time_limit(client: kube::Client) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    let limited = tower::service_fn(move |request| {
        let exchange = exchange(client.clone(), request);
        async move {
            let late = |elapsed| kube::Error::Service(Box::new(elapsed));
            tokio::time::timeout(LIMIT, exchange).await.map_err(late)?
        }
    });
    kube::Client::new(limited, namespace)
}

async fn exchange(client: kube::Client, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    let is_watch = is_watch(&request);
    let (head, body) = client.send(request).await?.into_parts();
    let body = if is_watch { body } else { Body::from(body.collect_bytes().await?) };
    Ok(Response::from_parts(head, body))
}

fn is_watch<B>(request: &Request<B>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|field| field.split_once('=').is_some_and(|(name, value)| name == "watch" && value != "false"))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use kube::api::{Api, WatchParams};
    use tokio::time::Instant;

    use super::*;

    /// An API server whose answers begin, and never end.
    fn client_of_endless_answers() -> kube::Client {
        let endless = tower::service_fn(|_: Request<Body>| async {
            let silence = futures::stream::pending::<Result<Vec<u8>, kube::Error>>();
            Ok::<_, kube::Error>(Response::new(axum::body::Body::from_stream(silence)))
        });
        with_time_limit(kube::Client::new(endless, "default"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_though_its_answer_does_not() {
        let namespaces: Api<Namespace> = Api::all(client_of_endless_answers());
        let began = Instant::now();
        let error = namespaces.get("kube-system").await.unwrap_err();
        assert!(matches!(error, kube::Error::Service(_)), "{error:?}");
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_may_be_silent() {
        let namespaces: Api<Namespace> = Api::all(client_of_endless_answers());
        let events = namespaces.watch(&WatchParams::default(), "0").await.expect("the answer has begun");
        let silence = tokio::time::timeout(LIMIT * 10, futures::StreamExt::into_future(Box::pin(events))).await;
        assert!(silence.is_err(), "no end and no event");
    }
}
