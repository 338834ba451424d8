//! The real API server, without TLS and with changes: what would disturb other tests, or needs pods that run, is told here.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt;
use kube::Client;
use tokio::{net::TcpListener, task::JoinHandle};

pub struct Front {
    address: SocketAddr,
    changes: Arc<Changes>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Changes {
    /// By the end of the path: an answer of its own.
    answers: Mutex<BTreeMap<String, (u16, String)>>,
    /// By the end of the path: a text of the answer, and another in its place.
    texts: Mutex<BTreeMap<String, (String, String)>>,
}

impl Front {
    pub async fn start(client: Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let changes = Arc::new(Changes::default());
        let router = Router::new().fallback(answer).with_state((client, Arc::clone(&changes)));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, changes, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests whose path ends so.
    pub fn answer(&self, path: &str, status: u16, body: impl Into<String>) {
        self.changes.answers.lock().unwrap().insert(path.to_owned(), (status, body.into()));
    }

    /// Replaces a text in the answers to requests whose path ends so.
    pub fn replace(&self, path: &str, text: &str, other: &str) {
        self.changes.texts.lock().unwrap().insert(path.to_owned(), (text.to_owned(), other.to_owned()));
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn of_path<T: Clone>(by_path: &Mutex<BTreeMap<String, T>>, path: &str) -> Option<T> {
    by_path.lock().unwrap().iter().find(|(end, _)| path.ends_with(end.as_str())).map(|(_, value)| value.clone())
}

async fn answer(State((client, changes)): State<(Client, Arc<Changes>)>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some((status, body)) = of_path(&changes.answers, &path) {
        let status = StatusCode::from_u16(status).expect("a status");
        return Response::builder().status(status).body(Body::from(body)).expect("an answer");
    }
    let (mut head, body) = request.into_parts();
    // They are of this hop.
    head.headers.remove("host");
    head.headers.remove("accept-encoding");
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    let answer = client.send(Request::from_parts(head, kube::client::Body::from(body))).await.expect("an answer");
    let (mut head, body) = answer.into_parts();
    let mut body = String::from_utf8(body.collect_bytes().await.expect("a body").to_vec()).expect("text");
    if let Some((text, other)) = of_path(&changes.texts, &path) {
        assert!(body.contains(&text), "{path} has no {text}: {body}");
        body = body.replace(&text, &other);
    }
    head.headers.remove("content-length");
    head.headers.remove("transfer-encoding");
    Response::from_parts(head, Body::from(body))
}
