//! Reads all pages of an answer, or fails: a part is never taken for the whole.

use std::error::Error;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::pagination_stream::PaginationStream;

use super::error::{AwsError, Call};

/// One page: its items, and the token of the next.
pub(super) struct Page<T> {
    pub items: Option<Vec<T>>,
    pub next: Option<String>,
}

/// All items of all pages.
///
/// # Errors
/// A page that fails fails the whole. So do a page without its list (AWS sends an empty one where there is
/// nothing), and a token that comes again, at which the SDK's paginator ends without a word.
pub(super) async fn all_pages<P, T, E>(
    call: &Call,
    mut pages: PaginationStream<Result<P, SdkError<E>>>,
    open: impl Fn(P) -> Page<T>,
) -> Result<Vec<T>, AwsError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let mut all = Vec::new();
    let mut next = None;
    while let Some(page) = pages.next().await {
        let page = open(page.map_err(|error| call.failed(error))?);
        all.extend(page.items.ok_or_else(|| call.malformed("list of results"))?);
        next = page.next.filter(|token| !token.is_empty());
    }
    if next.is_some() { Err(call.malformed("token of the next page")) } else { Ok(all) }
}
