//! From a request to its answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use serde_json::{Value, json};

use super::Kubernetes;
use super::failure::Failure;
use super::resources::Resources;
use super::route::{Parameters, Part, Place, Verb, place};

pub type Response = http::Response<Body>;

/// The body of an answer: all at once, or the events of a watch as they come.
pub enum Body {
    Whole(Option<Bytes>),
    Events(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

/// What a request came to.
pub struct Answer {
    pub code: StatusCode,
    pub body: Body,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { code: StatusCode::OK, body: Body::Whole(Some(Bytes::from(body.into()))), warnings: Vec::new() }
    }

    pub fn created(body: impl Into<Vec<u8>>) -> Self {
        Self { code: StatusCode::CREATED, ..Self::ok(body) }
    }

    pub fn warning(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    pub fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { code: StatusCode::OK, body: Body::Events(Box::pin(events)), warnings: Vec::new() }
    }

    fn failed(failure: &Failure) -> Self {
        let code = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { code, ..Self::ok(failure.status().to_string()) }
    }

    fn into_response(self) -> Response {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.code;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for warning in self.warnings {
            if let Ok(warning) = HeaderValue::from_str(&format!("299 - {:?}", warning)) {
                response.headers_mut().append(header::WARNING, warning);
            }
        }
        response
    }
}

pub(super) fn answer(server: &Kubernetes, request: http::Request<Bytes>) -> Response {
    let (head, body) = request.into_parts();
    let parameters = Parameters::new(&head.uri, &head.headers);
    let resources = server.world().resources.clone();
    let answer = match (place(&resources, head.uri.path()), Verb::of(&head.method)) {
        (None, _) => Err(Failure::no_such_path()),
        (_, None) => Err(Failure::method_not_allowed()),
        (Some(place), Some(verb)) => dispatch(server, &resources, place, verb, &parameters, &body),
    };
    answer.unwrap_or_else(|failure| Answer::failed(&failure)).into_response()
}

fn dispatch(
    server: &Kubernetes,
    resources: &Arc<Resources>,
    place: Place,
    verb: Verb,
    parameters: &Parameters,
    body: &Bytes,
) -> Result<Answer, Failure> {
    match (place, verb) {
        (Place::Version, Verb::Get) => Ok(Answer::ok(version().to_string())),
        (Place::Groups, Verb::Get) => Ok(Answer::ok(resources.groups().to_string())),
        (Place::Discovery { group, version }, Verb::Get) => match resources.discovery(&group, &version) {
            Some(list) => Ok(Answer::ok(list.to_string())),
            None => Err(Failure::no_such_path()),
        },
        (Place::Collection { resource, namespace }, verb) => match verb {
            Verb::Get if parameters.is_set("watch") => server.watch(resource, &namespace, parameters),
            Verb::Get => server.world().list(resource, &namespace, parameters),
            Verb::Create => server.world().create(resource, &namespace, parameters, body),
            Verb::Delete => server.world().delete_all(resource, &namespace, parameters, body),
            Verb::Update | Verb::Patch => Err(Failure::method_not_allowed()),
        },
        (Place::Object { resource, namespace, name, part }, verb) => {
            let key = (namespace, name);
            match verb {
                Verb::Get => server.world().get(resource, &key, parameters),
                Verb::Update => server.world().replace(resource, &key, part, parameters, body),
                Verb::Patch => server.world().patch(resource, &key, part, parameters, body),
                Verb::Delete if part == Part::Object => server.world().delete(resource, &key, parameters, body),
                Verb::Create | Verb::Delete => Err(Failure::method_not_allowed()),
            }
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "simulated", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64",
    })
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Events(events) => events.as_mut().poll_next(context),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
