//! The WebAssembly part. It contains no decisions, because it cannot be tested natively.

mod bindings;

use std::cell::OnceCell;

use bindings::exports::wasi::http::outgoing_handler::Guest;
use bindings::wasi::cli::environment::get_environment;
use bindings::wasi::http::outgoing_handler::handle;
use bindings::wasi::http::types::{ErrorCode, FutureIncomingResponse, OutgoingRequest, RequestOptions, Scheme};

use crate::Policy;

thread_local! {
    static POLICY: OnceCell<Policy> = const { OnceCell::new() };
}

struct Guard;

impl Guest for Guard {
    fn handle(request: OutgoingRequest, options: Option<RequestOptions>) -> Result<FutureIncomingResponse, ErrorCode> {
        let tls = match request.scheme() {
            Some(Scheme::Https) => Some(true),
            Some(Scheme::Http) => Some(false),
            Some(Scheme::Other(_)) | None => None,
        };
        let (authority, path) = (request.authority(), request.path_with_query());
        let is_permitted = POLICY
            .with(|policy| policy.get_or_init(configured_policy).permits(tls, authority.as_deref(), path.as_deref()));
        if is_permitted { handle(request, options) } else { Err(ErrorCode::HttpRequestDenied) }
    }
}

fn configured_policy() -> Policy {
    let list = get_environment().into_iter().find(|(name, _)| name == "EGRESS_ORIGINS").map(|(_, list)| list);
    Policy::of_list(list.as_deref().or(option_env!("EGRESS_GUARD_ORIGINS")).unwrap_or_default())
}
