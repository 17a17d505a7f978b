//! One request and its answer over `wasi:http`.
//!
//! Nothing here waits: each step says [`Poll::Pending`] where the host has nothing yet, and `transport` waits for all of
//! them at once.

use core::task::{Poll, ready};

use super::bindings::wasi::http::outgoing_handler;
use super::bindings::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
    OutgoingRequest, Scheme,
};
use super::bindings::wasi::io::poll::Pollable;
use super::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use super::failure;
use crate::http::{Cause, Failure, Head, Method, Request};
use crate::prelude::*;

/// What an exchange holds of the host. Fields are dropped in their order, and a host may trap where a parent goes before
/// its child: streams stand before bodies, and these before what they came from. To drop it is to close the connection.
pub(super) struct Exchange {
    download: Option<Download>,
    /// What the host has not yet taken of the request's body.
    upload: Option<Upload>,
    answer: FutureIncomingResponse,
}

struct Download {
    stream: InputStream,
    /// What `content-length` still promises. Hosts differ in whether they notice a body that breaks off.
    promised: Option<u64>,
    _body: IncomingBody,
    _response: IncomingResponse,
}

struct Upload {
    stream: OutputStream,
    rest: Vec<u8>,
    body: OutgoingBody,
}

impl Exchange {
    /// Hands a request to the host, and as much of its body as it takes. The connector's own clock limits it: hosts differ in
    /// what they make of `request-options`, so none are set.
    ///
    /// # Errors
    /// The request was not sent.
    pub(super) fn start(request: Request) -> Result<Self, Failure> {
        let refused = Failure::not_sent(Cause::Refused);
        let has_body = !request.body.is_empty();
        let outgoing = outgoing(&request).ok_or(refused)?;
        let upload = if has_body {
            let body = outgoing.body().map_err(|()| refused)?;
            let stream = body.write().map_err(|()| refused)?;
            Some(Upload { stream, rest: request.body, body })
        } else {
            None
        };
        match outgoing_handler::handle(outgoing, None) {
            Ok(answer) => Ok(Self { download: None, upload: upload.and_then(Upload::go_on), answer }),
            Err(code) => Err(failure::of_start(&code)),
        }
    }

    /// Sends what is left to send, and takes the head of the answer, once.
    pub(super) fn head(&mut self) -> Poll<Result<Head, Failure>> {
        self.upload = self.upload.take().and_then(Upload::go_on);
        let lost = Failure::lost(Cause::Broken);
        let response = match self.answer.get() {
            None => return Poll::Pending,
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(code))) => return Poll::Ready(Err(failure::of_answer(&code))),
            Some(Err(())) => return Poll::Ready(Err(lost)),
        };
        let head = head(&response);
        let body = response.consume().map_err(|()| lost)?;
        let stream = body.stream().map_err(|()| lost)?;
        self.download = Some(Download { stream, promised: content_length(&head), _body: body, _response: response });
        Poll::Ready(Ok(head))
    }

    /// How long the rest of the answer's body is, where its head said so.
    pub(super) fn promised(&self) -> Option<u64> {
        self.download.as_ref()?.promised
    }

    /// The next piece of the answer's body: at least one byte and at most `limit`, or none at its proper end.
    pub(super) fn piece(&mut self, limit: usize) -> Poll<Result<Vec<u8>, Failure>> {
        let broken = Failure::lost(Cause::Broken);
        let Some(download) = &mut self.download else { return Poll::Ready(Err(broken)) };
        if download.promised == Some(0) {
            return Poll::Ready(Ok(Vec::new()));
        }
        let piece = ready!(read(&download.stream, limit));
        // What the error inside says is left alone: asking for its text makes some hosts trap.
        let piece = piece.map_err(|_| broken)?;
        if let Some(promised) = &mut download.promised {
            let left = promised.checked_sub(piece.len() as u64).ok_or(broken)?;
            if piece.is_empty() && left > 0 {
                return Poll::Ready(Err(broken));
            }
            *promised = left;
        }
        Poll::Ready(Ok(piece))
    }

    /// What to wait for before the next step can do anything. The pollables have to go before the exchange does.
    pub(super) fn subscribe(&self, pollables: &mut Vec<Pollable>) {
        if let Some(download) = &self.download {
            pollables.push(download.stream.subscribe());
        } else {
            pollables.push(self.answer.subscribe());
            pollables.extend(self.upload.iter().map(|upload| upload.stream.subscribe()));
        }
    }
}

impl Upload {
    /// Writes as much as the host takes without waiting, for a peer may never read. Returns itself while there is more.
    ///
    /// A failed write is no outcome: the answer may come nevertheless (a 4xx before the body was read), and if it does
    /// not, the error in its place says why.
    fn go_on(mut self) -> Option<Self> {
        while !self.rest.is_empty() {
            let room = usize::try_from(self.stream.check_write().ok()?).unwrap_or(usize::MAX);
            if room == 0 {
                return Some(self);
            }
            let later = self.rest.split_off(self.rest.len().min(room));
            self.stream.write(&self.rest).ok()?;
            self.rest = later;
        }
        drop(self.stream);
        // Fails only if the length is not that of `content-length`, which it is.
        let _ = OutgoingBody::finish(self.body, None);
        None
    }
}

/// The request, as the host has it. Without a method it would be a GET.
fn outgoing(request: &Request) -> Option<OutgoingRequest> {
    let mut headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.reveal().as_bytes().to_vec())).collect();
    // Said here, for otherwise hosts send the body in chunks.
    if request.method == Method::Post || !request.body.is_empty() {
        headers.push(("content-length".to_owned(), request.body.len().to_string().into_bytes()));
    }
    let outgoing = OutgoingRequest::new(Fields::from_list(&headers).ok()?);
    let scheme = if request.origin.is_tls() { Scheme::Https } else { Scheme::Http };
    if request.method == Method::Post {
        outgoing.set_method(&WasiMethod::Post).ok()?;
    }
    outgoing.set_scheme(Some(&scheme)).ok()?;
    outgoing.set_authority(Some(request.origin.authority())).ok()?;
    outgoing.set_path_with_query(Some(&request.path)).ok()?;
    Some(outgoing)
}

fn head(response: &IncomingResponse) -> Head {
    let text = |(mut name, value): (String, Vec<u8>)| {
        name.make_ascii_lowercase();
        Some((name, String::from_utf8(value).ok()?))
    };
    Head { status: response.status(), headers: response.headers().entries().into_iter().filter_map(text).collect() }
}

/// How long the body has to be, where the head says so. A coded body may have been decoded by the host; then, and for
/// the statuses that have no body, the header says nothing about what is read.
fn content_length(head: &Head) -> Option<u64> {
    if matches!(head.status, 204 | 304) || head.header("content-encoding").is_some() {
        return None;
    }
    head.header("content-length")?.trim().parse().ok()
}

fn read(stream: &InputStream, limit: usize) -> Poll<Result<Vec<u8>, StreamError>> {
    match stream.read(limit as u64) {
        Ok(bytes) if bytes.is_empty() => Poll::Pending,
        Err(StreamError::Closed) => Poll::Ready(Ok(Vec::new())),
        other => Poll::Ready(other),
    }
}
