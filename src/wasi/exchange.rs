//! One request and its response over `wasi:http`.
//!
//! Nothing here blocks: each step returns [`Poll::Pending`] if the host has nothing yet, and `transport` waits for all exchanges
//! together.

use std::task::{Poll, ready};

use super::error_code;
use crate::http::{Cause, Method, Request, ResponseHead, TransportError};
use crate::wit::wasi::http::outgoing_handler;
use crate::wit::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
    OutgoingRequest, Scheme,
};
use crate::wit::wasi::io::poll::Pollable;
use crate::wit::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The host's resources of an exchange. Fields are dropped in declaration order, and a host may trap if a parent is dropped before
/// its child: streams come before bodies, bodies before what they belong to. Dropping an exchange closes the connection.
pub(super) struct Exchange {
    download: Option<Download>,
    /// The part of the request's body that the host has not accepted yet.
    upload: Option<Upload>,
    response: FutureIncomingResponse,
}

struct Download {
    stream: InputStream,
    /// The bytes that `content-length` still announces. Hosts differ in whether they detect a truncated body.
    remaining: Option<u64>,
    _body: IncomingBody,
    _response: IncomingResponse,
}

struct Upload {
    stream: OutputStream,
    rest: Vec<u8>,
    body: OutgoingBody,
}

impl Exchange {
    /// Hands a request to the host, and as much of its body as the host accepts. `request-options` are not set: hosts differ in how
    /// they apply them, so the connector keeps its own time-outs.
    ///
    /// # Errors
    /// The request was not sent.
    pub(super) fn start(request: Request) -> Result<Self, TransportError> {
        let invalid = TransportError::before_sending(Cause::InvalidRequest);
        let has_body = !request.body.is_empty();
        let outgoing = outgoing(&request).ok_or(invalid)?;
        let upload = if has_body {
            let body = outgoing.body().map_err(|()| invalid)?;
            let stream = body.write().map_err(|()| invalid)?;
            Some(Upload { stream, rest: request.body, body })
        } else {
            None
        };
        match outgoing_handler::handle(outgoing, None) {
            Ok(response) => Ok(Self { download: None, upload: upload.and_then(Upload::proceed), response }),
            Err(code) => Err(error_code::at_start(&code)),
        }
    }

    /// Sends what is left to send, and takes the head of the response, once.
    pub(super) fn head(&mut self) -> Poll<Result<ResponseHead, TransportError>> {
        self.upload = self.upload.take().and_then(Upload::proceed);
        let interrupted = TransportError::after_sending(Cause::Interrupted);
        let response = match self.response.get() {
            None => return Poll::Pending,
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(code))) => return Poll::Ready(Err(error_code::after_start(&code))),
            Some(Err(())) => return Poll::Ready(Err(interrupted)),
        };
        let head = head(&response);
        let body = response.consume().map_err(|()| interrupted)?;
        let stream = body.stream().map_err(|()| interrupted)?;
        self.download = Some(Download { stream, remaining: content_length(&head), _body: body, _response: response });
        Poll::Ready(Ok(head))
    }

    /// The length of the rest of the response's body, if the head announced it.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.download.as_ref()?.remaining
    }

    /// The next chunk of the response's body: 1 to `limit` bytes, or none at its proper end.
    pub(super) fn chunk(&mut self, limit: usize) -> Poll<Result<Vec<u8>, TransportError>> {
        let interrupted = TransportError::after_sending(Cause::Interrupted);
        let Some(download) = &mut self.download else { return Poll::Ready(Err(interrupted)) };
        if download.remaining == Some(0) {
            return Poll::Ready(Ok(Vec::new()));
        }
        let chunk = ready!(read(&download.stream, limit));
        // The error's text is not asked for: `to-debug-string` traps on some hosts.
        let chunk = chunk.map_err(|_| interrupted)?;
        if let Some(remaining) = &mut download.remaining {
            let left = remaining.checked_sub(chunk.len() as u64).ok_or(interrupted)?;
            if chunk.is_empty() && left > 0 {
                return Poll::Ready(Err(interrupted));
            }
            *remaining = left;
        }
        Poll::Ready(Ok(chunk))
    }

    /// What to wait for before the next step. The pollables must be dropped before the exchange is.
    pub(super) fn subscribe(&self, pollables: &mut Vec<Pollable>) {
        if let Some(download) = &self.download {
            pollables.push(download.stream.subscribe());
        } else {
            pollables.push(self.response.subscribe());
            pollables.extend(self.upload.iter().map(|upload| upload.stream.subscribe()));
        }
    }
}

impl Upload {
    /// Writes as much as the host accepts without blocking: a peer may never read. Returns itself while there is more.
    ///
    /// A write error is ignored: the server may still send a response (a 4xx before it read the body). If not, the response future
    /// reports the error.
    fn proceed(mut self) -> Option<Self> {
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
        // It fails only if the length differs from `content-length`, which it does not.
        let _ = OutgoingBody::finish(self.body, None);
        None
    }
}

/// The request as the host has it. The default method is GET.
fn outgoing(request: &Request) -> Option<OutgoingRequest> {
    let mut headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.reveal().as_bytes().to_vec())).collect();
    // Without it hosts send the body in chunks.
    if request.method != Method::Get || !request.body.is_empty() {
        headers.push(("content-length".to_owned(), request.body.len().to_string().into_bytes()));
    }
    let outgoing = OutgoingRequest::new(Fields::from_list(&headers).ok()?);
    let scheme = if request.origin.is_tls() { Scheme::Https } else { Scheme::Http };
    match request.method {
        Method::Get => {}
        Method::Post => outgoing.set_method(&WasiMethod::Post).ok()?,
        Method::Put => outgoing.set_method(&WasiMethod::Put).ok()?,
    }
    outgoing.set_scheme(Some(&scheme)).ok()?;
    outgoing.set_authority(Some(request.origin.authority())).ok()?;
    outgoing.set_path_with_query(Some(&request.path)).ok()?;
    Some(outgoing)
}

fn head(response: &IncomingResponse) -> ResponseHead {
    let text = |(mut name, value): (String, Vec<u8>)| {
        name.make_ascii_lowercase();
        Some((name, String::from_utf8(value).ok()?))
    };
    let headers = response.headers().entries().into_iter().filter_map(text).collect();
    ResponseHead { status: response.status(), headers }
}

/// The length of the body, if the head announces it. The host may have decoded an encoded body; for those, and for statuses without
/// a body, the header is not the length of what is read.
fn content_length(head: &ResponseHead) -> Option<u64> {
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
