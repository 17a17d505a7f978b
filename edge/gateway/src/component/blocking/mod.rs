//! The export `wasi:http/incoming-handler@0.2.0`.

mod body;

use self::body::{RequestBody, ResponseBody};
use super::bindings::exports::wasi::http0_2_0::incoming_handler::Guest;
use super::bindings::wasi::http0_2_0::types::{Fields, IncomingRequest, Method, OutgoingResponse, ResponseOutparam};
use super::connector::Composed;
use super::instance::with_gateway;
use crate::http::Head;
use crate::response::{Payload, Response};

/// The exported component.
pub(super) struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let head = head(&request);
        let mut body = RequestBody::new(request);
        let response = with_gateway(|gateway| gateway.handle(&head, &mut body, &mut Composed));
        // If no response is set, the host reports an error to the caller.
        if let Some(response) = response {
            send(response, response_out);
        }
    }
}

fn head(request: &IncomingRequest) -> Head {
    let target = request.path_with_query().unwrap_or_default();
    Head::new(method(request.method()), target, request.headers().entries())
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

/// Sends a response, each part as soon as it is available. If a read of a document fails, the body is truncated.
fn send(response: Response, response_out: ResponseOutparam) -> Option<()> {
    let headers = response.header_fields();
    let Response { status, payload, .. } = response;
    let response = OutgoingResponse::new(Fields::from_list(&headers).ok()?);
    response.set_status_code(status).ok()?;
    let body = response.body().ok()?;
    ResponseOutparam::set(response_out, Ok(response));
    let body = ResponseBody::new(body)?;
    match payload {
        Payload::Full(bytes) => body.send(&bytes).ok()?,
        Payload::Streamed(mut document) => loop {
            let chunk = document.next_chunk(&mut Composed).ok()?;
            if chunk.is_empty() {
                break;
            }
            body.send(&chunk).ok()?;
        },
    }
    body.finish();
    Some(())
}
