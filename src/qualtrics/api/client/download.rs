//! Responses that are read chunk by chunk.

use super::{Call, Client};
use crate::http::web_page::is_web_page;
use crate::http::{Body, ExchangeLimits, ResponseHead, json};
use crate::qualtrics::api::envelope;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::oauth::Token;
use crate::qualtrics::scopes::Scopes;
use crate::secret::Secret;

impl Client<'_> {
    /// Requests something that is read chunk by chunk, with further headers. It is retried as any call that reads.
    ///
    /// # Errors
    /// Any [`ApiError`]. Every status other than a success is an error, and so is a success that is declared as a web page: it is a
    /// proxy's.
    pub fn open(
        &mut self,
        scopes: &Scopes,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<(ResponseHead, Box<dyn Body>), ApiError> {
        let call = Call::get(path);
        let mut opened = self.with_retries(1, &|_, _| true, &mut |client, _| {
            let token = client.token(scopes)?;
            Ok(vec![client.attempt_open(&call, &token, headers)])
        });
        opened.pop().unwrap_or(Err(ApiError::DeadlineExceeded))
    }

    fn attempt_open(
        &mut self,
        call: &Call,
        token: &Token,
        headers: &[(&'static str, String)],
    ) -> Result<(ResponseHead, Box<dyn Body>), ApiError> {
        self.reserve(call)?;
        let mut request = call.to_request(self.session, token);
        request.headers.retain(|(name, _)| *name != "accept");
        request.headers.push(("accept", Secret::new("*/*")));
        request.headers.extend(headers.iter().map(|(name, value)| (*name, Secret::new(value.as_str()))));
        let limits = self.limits();
        let opened = self.transport.open(request, limits);
        self.session.settle(self.clock.monotonic_ms());
        let (head, mut body) = opened.map_err(ApiError::Transport)?;
        let now_s = self.now_s();
        self.session.note_date(&head, now_s);
        match head.status {
            // A page of a proxy or a login form is no file of Qualtrics.
            200..=299 if is_web_page(&head, &[]) => Err(envelope::foreign(&head, now_s)),
            200..=299 => Ok((head, body)),
            300..=399 => Err(ApiError::Redirect(head.status)),
            _ => {
                let body = error_body(&mut *body, limits);
                Err(envelope::rejection(&head, &body, json::parse(&body).as_ref(), now_s))
            }
        }
    }
}

/// The most bytes of an error response that are read.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// The body of an error response, as far as it arrives: it shows whether Qualtrics or a proxy responded.
fn error_body(body: &mut dyn Body, limits: ExchangeLimits) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ERROR_BYTES {
        match body.read(MAX_ERROR_BYTES, limits) {
            Ok(chunk) if !chunk.is_empty() => bytes.extend(chunk),
            _ => break,
        }
    }
    bytes
}
