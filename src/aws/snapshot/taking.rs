//! A snapshot of a live account: every call that a snapshot holds is made, and its answer written down.

mod elb;
mod network;

use std::path::Path;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use serde_json::{Map, Value};

use crate::aws::clouds::Clouds;
use crate::aws::error::{AwsError, Call as ErrorCall, ErrorClass};
use crate::aws::pages::{Page, all_pages};
use crate::model::Scope;

use super::calls::Call;
use super::recording::Recorded;
use super::writing::{self, WritingError};
use super::{calls, xml};

/// What became of a snapshot.
#[derive(Debug, Default)]
pub struct Taken {
    /// Each file that was written, with how many items it holds.
    pub files: Vec<(String, usize)>,
    /// Each file that was left out.
    pub left_out: Vec<LeftOut>,
}

/// A file that could not be taken, and why.
#[derive(Debug)]
pub struct LeftOut {
    pub file: String,
    /// The IAM action that it takes.
    pub permission: String,
    pub reason: Reason,
}

/// Why a file was left out.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Failed(AwsError),
    /// What it is asked about is in this file, which was left out.
    #[error("what it is asked about stands in {0}, which is left out")]
    Needs(String),
}

/// How far a call has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    pub file: &'a str,
    pub done: usize,
    pub of: usize,
}

/// Takes a snapshot of the account and Region that the configuration leads to. What a call is denied is left out. Files of
/// an earlier snapshot in the folder go first, so that none of them stays for one that is left out.
///
/// # Errors
/// The folder can't be written, or holds something else.
pub async fn take(clouds: &Clouds, dir: &Path, progress: impl Fn(Progress<'_>)) -> Result<Taken, WritingError> {
    writing::make_room(dir)?;
    let recorded = Recorded::default();
    let config = clouds.config_through(|client| recorded.wrap(client));
    let taking = Taking {
        ec2: aws_sdk_ec2::Client::new(&config),
        elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
        scope: clouds.home().clone(),
        recorded,
        dir,
        progress: &progress,
    };
    let mut taken = Taken::default();
    taking.network(&mut taken).await?;
    taking.load_balancers(&mut taken).await?;
    Ok(taken)
}

/// A snapshot that is being taken.
struct Taking<'a> {
    ec2: aws_sdk_ec2::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    scope: Scope,
    recorded: Recorded,
    dir: &'a Path,
    progress: &'a dyn Fn(Progress<'_>),
}

/// The items of a call, or why it is left out.
type Items = Result<Vec<Value>, Reason>;

impl Taking<'_> {
    /// Writes the file of a call, or notes that it is left out. The items, if there are any to go on with.
    fn keep(&self, call: &'static Call, items: Items, taken: &mut Taken) -> Result<Option<Vec<Value>>, WritingError> {
        match items {
            Ok(items) => {
                let outputs = match call.beside {
                    Some(_) => Value::Array(items.clone()),
                    None => Value::Object(Map::from_iter([(call.list.json.to_owned(), Value::Array(items.clone()))])),
                };
                writing::write(self.dir, &call.file(), &outputs)?;
                taken.files.push((call.file(), items.len()));
                Ok(Some(items))
            }
            Err(reason) => {
                let permission = format!("{}:{}", call.service.iam(), call.action);
                taken.left_out.push(LeftOut { file: call.file(), permission, reason });
                Ok(None)
            }
        }
    }

    fn tell(&self, call: &Call, done: usize, of: usize) {
        (self.progress)(Progress { file: &call.file(), done, of });
    }

    fn error_call(&self, call: &Call) -> ErrorCall {
        let (service, action, scope) = (call.service.iam(), call.action, Some(self.scope.clone()));
        ErrorCall { service, action, scope, role: None, resource: String::new() }
    }

    /// Everything that the recorded answers hold.
    fn recorded(&self, call: &Call) -> Result<Vec<Value>, AwsError> {
        let unreadable = || self.error_call(call).malformed(call.list.json);
        let mut items = Vec::new();
        for body in self.recorded.take() {
            let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
            match xml::list(call, text).map_err(|_| unreadable())? {
                Value::Array(list) => items.extend(list),
                _ => return Err(unreadable()),
            }
        }
        Ok(items)
    }

    /// All pages of a call.
    async fn pages<P, E>(
        &self,
        call: &Call,
        pages: PaginationStream<Result<P, SdkError<E>>>,
        next: impl Fn(P) -> Option<String>,
    ) -> Result<Vec<Value>, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // Of a call that failed half-way.
        self.recorded.take();
        let open = |page| Page { items: Some(vec![()]), next: next(page) };
        all_pages(&self.error_call(call), pages, open).await?;
        self.recorded(call)
    }

    /// The answer to a call that has no pages.
    async fn answer<T, E>(
        &self,
        call: &Call,
        sent: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<Vec<Value>, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.recorded.take();
        sent.await.map_err(|error| self.error_call(call).failed(error))?;
        self.recorded(call)
    }
}

/// `None` for what has gone since it was listed.
fn unless_gone(result: Result<Vec<Value>, AwsError>) -> Result<Option<Vec<Value>>, Reason> {
    match result {
        Ok(items) => Ok(Some(items)),
        Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(Reason::Failed(error)),
    }
}
