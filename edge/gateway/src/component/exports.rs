//! The export `wasi:http/incoming-handler`.

use std::cell::RefCell;

use super::bindings::exports::wasi::http::incoming_handler::Guest;
use super::bindings::wasi::cli::environment;
use super::bindings::wasi::http::types::{Fields, IncomingRequest, Method, OutgoingResponse, ResponseOutparam};
use super::body::{RequestBody, ResponseBody};
use super::connector::Composed;
use crate::configuration::Configuration;
use crate::gateway::Gateway;
use crate::http::Head;
use crate::response::{Payload, Response};

thread_local! {
    static GATEWAY: RefCell<Option<Gateway>> = const { RefCell::new(None) };
}

/// The exported component, with one gateway per instance.
pub(super) struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let head = head(&request);
        let mut body = RequestBody::new(request);
        let response = GATEWAY.with(|gateway| {
            // This fails only if the host calls the instance during another call, which the component model forbids.
            let mut gateway = gateway.try_borrow_mut().ok()?;
            let gateway = gateway
                .get_or_insert_with(|| Gateway::new(Configuration::from_environment(environment::get_environment())));
            Some(gateway.handle(&head, &mut body, &mut Composed))
        });
        // If no response is set, the host reports an error to the caller.
        if let Some(response) = response {
            send(response, response_out);
        }
    }
}

fn head(request: &IncomingRequest) -> Head {
    let lower = |(mut name, value): (String, Vec<u8>)| {
        name.make_ascii_lowercase();
        (name, value)
    };
    Head {
        method: method(request.method()),
        target: request.path_with_query().unwrap_or_default(),
        headers: request.headers().entries().into_iter().map(lower).collect(),
    }
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
    let Response { status, headers, payload } = response;
    let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
    if let Payload::Full(bytes) = &payload {
        headers.push(("content-length".to_owned(), bytes.len().to_string().into_bytes()));
    }
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
