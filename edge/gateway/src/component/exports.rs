//! The interface `incoming-handler`, as the host calls it.

use std::cell::RefCell;

use super::bindings::exports::wasi::http::incoming_handler::Guest;
use super::bindings::wasi::cli::environment;
use super::bindings::wasi::http::types::{Fields, IncomingRequest, Method, OutgoingResponse, ResponseOutparam};
use super::caller::{Download, Upload};
use super::connector::Composed;
use crate::configuration::Configuration;
use crate::gateway::Gateway;
use crate::http::{Answer, Head, Payload};

thread_local! {
    static GATEWAY: RefCell<Option<Gateway>> = const { RefCell::new(None) };
}

/// What is exported: the one gateway of this instance.
pub(super) struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let head = head(&request);
        let mut upload = Upload::new(request);
        let answer = GATEWAY.with(|gateway| {
            // The component model forbids a host to call into a call.
            let mut gateway = gateway.try_borrow_mut().ok()?;
            let gateway =
                gateway.get_or_insert_with(|| Gateway::new(Configuration::read(environment::get_environment())));
            Some(gateway.answer(&head, &mut upload, &mut Composed))
        });
        // Without an answer the host says that there was an error. So it does where a header is refused, which none is.
        if let Some(answer) = answer {
            send(answer, response_out);
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

/// Sends an answer. Head and body go as soon as they are there; where a document breaks off, so does the body.
fn send(answer: Answer, response_out: ResponseOutparam) -> Option<()> {
    let Answer { status, headers, payload } = answer;
    let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
    if let Payload::Whole(bytes) = &payload {
        headers.push(("content-length".to_owned(), bytes.len().to_string().into_bytes()));
    }
    let response = OutgoingResponse::new(Fields::from_list(&headers).ok()?);
    response.set_status_code(status).ok()?;
    let body = response.body().ok()?;
    ResponseOutparam::set(response_out, Ok(response));
    let download = Download::new(body)?;
    match payload {
        Payload::Whole(bytes) => download.send(&bytes).ok()?,
        Payload::Streamed(mut document) => loop {
            let piece = document.piece(&mut Composed).ok()?;
            if piece.is_empty() {
                break;
            }
            download.send(&piece).ok()?;
        },
    }
    download.finish();
    Some(())
}
