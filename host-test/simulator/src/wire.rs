//! Answers on the wire: whole ones through hyper, broken ones byte by byte.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, iter};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::answer::Answer;
use super::ask::Ask;
use super::content::Content;
use super::faults::{Fault, date_header};
use super::gauge::Held;
use super::record::Call;
use super::state::State;
use super::{Shared, spoil};
use simulated_clock::Clock;

/// How much of a body is made at a time.
const CHUNK: usize = 64 * 1024;

/// How long it takes a caller on the same machine to see a byte.
const SEEN: Duration = Duration::from_millis(2);

/// After so many looks, a connection that does not end is left.
const LONGEST_FAREWELL: usize = 500;

/// Larger bodies of requests are answered 413.
const LARGEST_REQUEST: usize = 5 * 1024 * 1024;

/// Accepts connections until it is dropped, and they with it.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut door = shared.door.watch();
    let mut listener = Some(listener);
    loop {
        let accept = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Ok(()) = door.changed() => listener = shared.door.tend(listener.take()),
            accepted = accept => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, shared.clone(), shared.door.watch()))),
                // Too many open files, most likely: there will be room when others have closed theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, shared: Arc<Shared>, mut door: watch::Receiver<bool>) {
    let _open = shared.connections.hold();
    // Small answers must not wait for the acknowledgement of the ones before them.
    let _ = stream.set_nodelay(true);
    let (hand_over, mut handed_over) = mpsc::channel::<Script>(1);
    let service = service_fn(move |request| -> Pin<Box<dyn Future<Output = _> + Send>> {
        let (shared, hand_over) = (shared.clone(), hand_over.clone());
        Box::pin(async move {
            match attend(&shared, request).await {
                Delivery::Whole(response) => Ok::<_, Infallible>(response),
                Delivery::Broken(script) => {
                    let _ = hand_over.send(script).await;
                    pending().await
                }
            }
        })
    });
    // Without a timer of hyper's: how long a caller may stay silent is the caller's affair here.
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => return,
            Some(script) = handed_over.recv() => {
                let stream = connection.into_parts().io.into_inner();
                // The caller may go at any time, which is no concern of the simulator's.
                let _ = script.play(stream).await;
                return;
            }
            Ok(()) = door.changed() => Pin::new(&mut connection).graceful_shutdown(),
        }
    }
}

/// What a connection does with a request.
pub(super) enum Delivery {
    Whole(Response<Outgoing>),
    Broken(Script),
}

/// How the end of a broken body is told beforehand.
pub(super) enum Framing {
    Length(u64),
    Chunks,
}

/// What a connection ends with.
#[derive(Clone, Copy)]
pub(super) enum End {
    Close,
    Reset,
    /// Nothing more is sent, until the caller closes.
    Silence,
}

/// An answer that breaks the rules of HTTP, or none.
pub(super) struct Script {
    head: Vec<u8>,
    body: Content,
    chunked: bool,
    pace: Option<(Duration, Clock)>,
    end: End,
    _under_way: Held,
}

impl Script {
    /// Not a byte.
    pub(super) fn nothing(end: End, under_way: Held) -> Self {
        Self { head: Vec::new(), body: Content::default(), chunked: false, pace: None, end, _under_way: under_way }
    }

    /// The head of an answer with this framing, and this body, whether they fit or not.
    pub(super) fn answer(answer: &Answer, framing: Framing, body: Content, end: End, under_way: Held) -> Self {
        let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or_default());
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&match framing {
            Framing::Length(length) => format!("content-length: {length}\r\n\r\n"),
            Framing::Chunks => "transfer-encoding: chunked\r\n\r\n".to_owned(),
        });
        let chunked = matches!(framing, Framing::Chunks);
        Self { head: head.into_bytes(), body, chunked, pace: None, end, _under_way: under_way }
    }

    /// Sends a byte of the body each time this much has passed by this clock, which is moved if it is made.
    pub(super) fn paced(mut self, pace: Duration, clock: &Clock) -> Self {
        self.pace = Some((pace, clock.clone()));
        self
    }

    async fn play(self, mut stream: TcpStream) -> io::Result<()> {
        stream.write_all(&self.head).await?;
        for chunk in self.body.chunks(if self.pace.is_some() { 1 } else { CHUNK }) {
            if let Some((pace, clock)) = &self.pace {
                // The caller has to see each byte before the next: of made time it would not know which came first.
                tokio::time::sleep(if clock.is_made() { SEEN } else { clock.in_real_time(*pace) }).await;
                clock.advance(*pace);
            }
            if self.chunked {
                let size = format!("{:x}\r\n", chunk.len());
                stream.write_all(&[size.as_bytes(), &chunk, b"\r\n"].concat()).await?;
            } else {
                stream.write_all(&chunk).await?;
            }
        }
        match self.end {
            End::Close => stream.shutdown().await,
            End::Reset => stream.set_zero_linger(),
            End::Silence => {
                while stream.read(&mut [0; 512]).await? > 0 {}
                Ok(())
            }
        }
    }
}

/// A body on its way through hyper.
pub(super) struct Outgoing {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    left: u64,
    chunked: bool,
    _under_way: Held,
}

impl Outgoing {
    fn new(body: &Content, chunked: bool, under_way: Held) -> Self {
        let chunks: Box<dyn Iterator<Item = Bytes> + Send> =
            if body.is_empty() { Box::new(iter::empty()) } else { Box::new(body.chunks(CHUNK)) };
        Self { chunks, left: body.len(), chunked, _under_way: under_way }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.next();
        self.left -= chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked && self.left > 0 { SizeHint::default() } else { SizeHint::with_exact(self.left) }
    }
}

/// An answer as hyper sends it.
pub(super) fn whole(answer: &Answer, under_way: Held) -> Delivery {
    let mut response = Response::new(Outgoing::new(&answer.body, answer.chunked, under_way));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answer.headers {
        // What cannot stand in a header is left out: a file may be named after any address.
        if let Ok(value) = value.parse() {
            response.headers_mut().append(*name, value);
        }
    }
    Delivery::Whole(response)
}

/// Takes a request, lets it take effect, and spoils what a fault wants spoilt.
async fn attend(shared: &Shared, request: Request<Incoming>) -> Delivery {
    let under_way = shared.calls.hold();
    let (head, incoming) = request.into_parts();
    let mut ask = Ask::new(&head.method, head.uri.path(), head.uri.query().unwrap_or_default(), head.headers);
    let (number, fault) = {
        let mut state = shared.state();
        let at = state.now();
        let fault = state.faults.befall(ask.endpoint);
        let call = Call {
            number: 0,
            method: head.method.to_string(),
            path: ask.path.clone(),
            query: ask.query.clone(),
            endpoint: ask.endpoint,
            status: None,
            at,
            took_effect: false,
            faulty: fault.is_some(),
            body: Default::default(),
        };
        (state.record.begin(call), fault)
    };
    if fault == Some(Fault::ShutBehind) {
        let _behind = shared.behind.hold();
        shared.door.shut().await;
        // Nobody shall go on with a kept connection that is about to close: that proves less than one that is refused.
        for _ in 0..LONGEST_FAREWELL {
            if shared.connections.count() <= shared.behind.count() {
                break;
            }
            tokio::time::sleep(SEEN).await;
        }
        tokio::time::sleep(SEEN).await;
    }
    if fault == Some(Fault::ResetBeforeRead) {
        return Delivery::Broken(Script::nothing(End::Reset, under_way));
    }
    let too_large = match Limited::new(incoming, LARGEST_REQUEST).collect().await {
        Ok(body) => {
            ask.body = body.to_bytes();
            false
        }
        Err(error) => {
            if !error.is::<http_body_util::LengthLimitError>() {
                return Delivery::Broken(Script::nothing(End::Reset, under_way));
            }
            true
        }
    };
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let mut state = shared.state();
    let body = ask.recorded_body();
    state.record.amend(number, |call| call.body.0 = body);
    let delivery = match spoil::before_effect(&mut state, fault.as_ref()) {
        Some(spoil::Early::Answer(answer)) => {
            let answer = dated(&state, answer);
            state.record.amend(number, |call| call.status = Some(answer.status));
            return whole(&answer, under_way);
        }
        Some(spoil::Early::End(end)) => return Delivery::Broken(Script::nothing(end, under_way)),
        None => {
            ask.repeat_cursor = fault == Some(Fault::RepeatedCursor);
            ask.ignore_filter = fault == Some(Fault::IgnoredFilter);
            if let Some(Fault::NextPageElsewhere(origin)) = &fault {
                ask.next_page_at = Some(origin.clone());
            }
            let answer = take_effect(&mut state, &ask, too_large, shared.calls.count());
            let took_effect = answer.is_success();
            state.record.amend(number, |call| call.took_effect = took_effect);
            let answer = dated(&state, answer);
            spoil::after_effect(&mut state, fault.as_ref(), answer, under_way)
        }
    };
    let status = match &delivery {
        Delivery::Whole(response) => Some(response.status().as_u16()),
        Delivery::Broken(script) => {
            script.head.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok())
        }
    };
    state.record.amend(number, |call| call.status = status);
    delivery
}

fn take_effect(state: &mut State, ask: &Ask, too_large: bool, under_way: usize) -> Answer {
    if too_large {
        return state.refusal(413, "QVAL_7");
    }
    match state.admit(ask.endpoint, under_way) {
        Ok(()) => state.answer(ask),
        Err(refusal) => refusal,
    }
}

fn dated(state: &State, answer: Answer) -> Answer {
    answer.with_header("date", date_header(state.now()))
}
