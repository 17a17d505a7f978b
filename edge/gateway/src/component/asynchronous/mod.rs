//! The export `wasi:http/handler@0.3.0`.

mod body;

use self::body::{Contents, receive};
use super::bindings::exports::wasi::http0_3_0::handler::Guest;
use super::bindings::wasi::http0_3_0::types::{ErrorCode, Fields, Method, Request, Response};
use super::connector::Composed;
use super::instance::with_gateway;
use crate::http::Head;
use crate::response;

/// The exported component.
pub(super) struct Component;

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let head = head(&request);
        // The gateway is only in use if the host calls the instance while it runs, which the component model forbids.
        let response = respond(&head, request).await.ok_or(ErrorCode::InternalError(None))?;
        start(response).ok_or(ErrorCode::InternalError(None))
    }
}

/// The response to a request. While its body is received, the gateway is not in use, so that other requests can be served.
async fn respond(head: &Head, request: Request) -> Option<response::Response> {
    let admitted = with_gateway(|gateway| gateway.admit(head))?;
    let result = match admitted {
        Ok(mut admitted) => match receive(request, &mut admitted.arguments).await {
            Ok(()) => with_gateway(|gateway| gateway.dispatch(admitted, head, &mut Composed))?,
            Err(details) => Err(details),
        },
        Err(details) => Err(details),
    };
    Some(result.unwrap_or_else(response::Response::from))
}

fn head(request: &Request) -> Head {
    let target = request.get_path_with_query().unwrap_or_default();
    Head::new(method(request.get_method()), target, request.get_headers().copy_all())
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

/// Starts a response. Its body is sent after this task has returned, each part as soon as it is available.
fn start(response: response::Response) -> Option<Response> {
    let fields = Fields::from_list(&response.header_fields()).ok()?;
    let (contents, stream, trailers) = Contents::new();
    let (started, _transmitted) = Response::new(fields, Some(stream), trailers);
    started.set_status_code(response.status).ok()?;
    wit_bindgen::spawn_local(contents.send(response.payload));
    Some(started)
}
