//! A recording proxy in front of AWS (in the tests, moto), outside the controller's process.
//!
//! Whoever is started with `AWS_ENDPOINT_URL` set to [`Proxy::url`] calls through it. Bodies pass byte for byte, and
//! each call is recorded in the order of its arrival: what was asked, what AWS answered, and what the caller was told,
//! which differ where a [`Fault`] came between. HTTP is spoken by hand on the callers' side, because losing an answer
//! or hanging up is what a server library is made to prevent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

mod calls;
mod faults;
mod order;
pub mod xml;
pub mod stale;

pub use calls::{Answer, Call, Calls, decode};
pub use faults::{Effect, Fault, FaultId};

/// The proxy; it ends when this is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    state: Mutex<State>,
    /// Held through calls that change something while a fault wants to count them one by one.
    in_turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    faults: Vec<(FaultId, Fault)>,
    next_fault: u64,
    /// Every connection is closed without an answer.
    severed: bool,
    /// By how much the clock is ahead that answers are dated by.
    ahead: jiff::SignedDuration,
}

impl Proxy {
    /// Starts a proxy on a free port, in front of `upstream` (`http://HOST:PORT`).
    pub async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            state: Mutex::default(),
            in_turn: tokio::sync::Mutex::new(()),
        });
        let serving = tokio::spawn(accept(Arc::clone(&shared), listener));
        Self { shared, address, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far. One that is still under way has no answer yet.
    pub fn calls(&self) -> Calls {
        Calls(self.shared.state().calls.clone())
    }

    /// How many calls there were, as a place to read on from.
    pub fn mark(&self) -> usize {
        self.shared.state().calls.len()
    }

    /// The calls after a mark.
    pub fn since(&self, mark: usize) -> Calls {
        Calls(self.shared.state().calls[mark..].to_vec())
    }

    /// Lets a fault befall the calls that it is about, until it is used up or lifted. The first that was added
    /// and fits a call is the one that befalls it.
    pub fn inject(&self, fault: Fault) -> FaultId {
        let mut state = self.shared.state();
        state.next_fault += 1;
        let id = FaultId(state.next_fault);
        state.faults.push((id, fault));
        id
    }

    /// Takes a fault away. Tells how many calls it befell.
    pub fn lift(&self, id: FaultId) -> usize {
        let mut state = self.shared.state();
        let Some(at) = state.faults.iter().position(|(other, _)| *other == id) else { return 0 };
        state.faults.remove(at).1.befallen()
    }

    /// From now on AWS can't be reached: connections are closed, what has arrived is not passed on.
    pub fn sever(&self) {
        self.shared.state().severed = true;
    }

    /// Answers are dated by a clock that is ahead by so much.
    pub fn date_answers_ahead_by(&self, ahead: jiff::SignedDuration) {
        self.shared.state().ahead = ahead;
    }

    /// AWS can be reached again.
    pub fn restore(&self) {
        self.shared.state().severed = false;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_severed(&self) -> bool {
        self.state().severed
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    // Connections end with the proxy: the set aborts them.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if !shared.is_severed() {
            let _ = stream.set_nodelay(true);
            connections.spawn(serve(Arc::clone(&shared), stream));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, request after request; it is closed where there is nothing to tell.
async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let Some(answer) = shared.exchange(request).await else { return };
        let content_type = "content-type: text/xml;charset=UTF-8";
        let now = jiff::Timestamp::now() + shared.state().ahead;
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).expect("a date of our time");
        let (status, length) = (answer.status, answer.body.len());
        let head = format!("HTTP/1.1 {status} -\r\ndate: {date}\r\n{content_type}\r\ncontent-length: {length}\r\n\r\n");
        let bytes = [head.as_bytes(), answer.body.as_bytes()].concat();
        if stream.get_mut().write_all(&bytes).await.is_err() {
            return;
        }
    }
}

struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn caller(&self) -> String {
        let signed = self.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (_, credential) = signed.split_once("Credential=").unwrap_or_default();
        credential.split('/').next().unwrap_or_default().to_owned()
    }

    fn target_header(&self) -> Option<&str> {
        self.headers.get("x-amz-target")?.to_str().ok()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.append(name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?);
    }
    let length = headers.get(header::CONTENT_LENGTH).map_or(Some(0), |value| value.to_str().ok()?.parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked { method, target, headers, body: body.into() })
}

impl Shared {
    /// A call from its arrival to what the caller is told; `None`: the connection is closed.
    async fn exchange(&self, asked: Asked) -> Option<Answer> {
        let parameters = decode(&String::from_utf8_lossy(&asked.body));
        let call = Call::arrived(parameters, asked.target_header(), asked.caller(), Instant::now());
        let in_turn = if call.is_write() && self.state().faults.iter().any(|(_, fault)| fault.needs_turns()) {
            Some(self.in_turn.lock().await)
        } else {
            None
        };
        let (number, effect) = {
            let mut state = self.state();
            if state.severed {
                return None;
            }
            let number = state.calls.len();
            state.calls.push(call.clone());
            let effect = state.faults.iter_mut().find_map(|(_, fault)| fault.befalls(&call));
            (number, effect.unwrap_or(Effect::None))
        };
        let told = self.carry_out(number, &call, asked, effect).await;
        let mut state = self.state();
        state.calls[number].ended = Some(Instant::now());
        state.calls[number].told.clone_from(&told);
        drop(in_turn);
        told
    }

    async fn carry_out(&self, number: usize, call: &Call, asked: Asked, effect: Effect) -> Option<Answer> {
        match effect {
            Effect::None => self.forward(number, asked).await,
            Effect::Refuse { status, code, message } => Some(call.refusal(status, &code, &message)),
            Effect::LoseAnswer => {
                self.forward(number, asked).await;
                None
            }
            Effect::HangUp => None,
            Effect::Hang(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Effect::Delay(time) => {
                tokio::time::sleep(time).await;
                self.forward(number, asked).await
            }
            Effect::DelayAnswer(time) => {
                let answer = self.forward(number, asked).await;
                tokio::time::sleep(time).await;
                answer
            }
            Effect::Rewrite(rewrite) => {
                let answer = self.forward(number, asked).await?;
                Some(Answer { body: rewrite(call, &answer.body), ..answer })
            }
            Effect::SeverBefore(hook) => {
                self.state().severed = true;
                hook(call);
                None
            }
            Effect::SeverAfter(hook) => {
                self.forward(number, asked).await;
                self.state().severed = true;
                hook(call);
                None
            }
            Effect::After(hook) => {
                let answer = self.forward(number, asked).await;
                hook(call);
                answer
            }
            Effect::Before(hook) => {
                hook(call).await;
                self.forward(number, asked).await
            }
        }
    }

    /// Passes a call on, and records what AWS answered.
    async fn forward(&self, number: usize, asked: Asked) -> Option<Answer> {
        let uri: Uri = format!("{}{}", self.upstream, asked.target).parse().expect("a request target");
        let mut request = Request::new(Full::new(asked.body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (asked.method, uri, asked.headers);
        let answer = self.client.request(request).await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        let answer = Answer { status, body: String::from_utf8(body.to_vec()).expect("AWS answers in UTF-8") };
        self.state().calls[number].answered = Some(answer.clone());
        Some(answer)
    }
}
