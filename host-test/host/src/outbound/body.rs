//! Response bodies.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use wasmtime_wasi_http::Error;

use super::error::body_error_code;
use crate::clocks::Exchange;

/// The body of a response. Its exchange is in progress until the body was read or dropped.
pub(super) struct ResponseBody {
    body: Incoming,
    exchange: Option<Exchange>,
}

impl ResponseBody {
    pub(super) fn new(body: Incoming, exchange: Exchange) -> Self {
        Self { body, exchange: Some(exchange) }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(pin!(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.exchange = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| body_error_code(&error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
