//! Maps requests to calls of the connector, and results to responses.

use privacy_contract::{CallResult, Error, Pending, Progress, Remedy};
use serde::Serialize;

use crate::arguments::{Arguments, Check, Delete, Poll, Start};
use crate::configuration::Configuration;
use crate::connector::{Connector, Results};
use crate::download;
use crate::http::{Body, Head, Interrupted, retry_after};
use crate::problem::Details;
use crate::response::{Payload, Response};
use crate::route::{self, Query, Route};

/// The body of `GET /openapi.json`.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The gateway of one instance. Its only state is whether the connector is configured: the connector caches its access token, so an
/// instance that serves several requests needs one token for all of them.
pub struct Gateway {
    configuration: Configuration,
    is_configured: bool,
}

/// A request that may be served, and its arguments as far as they were received.
pub struct Admitted {
    route: Route,
    query: Query,
    /// To be completed before the request is [dispatched](Gateway::dispatch).
    pub arguments: Arguments,
}

/// The body of a response to a list of elements: one result for each, in the same order.
#[derive(Serialize)]
struct ResultList {
    results: Vec<CallResult<Progress>>,
}

impl Gateway {
    /// A gateway with this configuration.
    #[must_use]
    pub const fn new(configuration: Configuration) -> Self {
        Self { configuration, is_configured: false }
    }

    /// Handles a request and receives its body meanwhile.
    pub fn handle(&mut self, head: &Head, body: &mut impl Body, connector: &mut impl Connector) -> Response {
        let mut respond = || {
            let mut admitted = self.admit(head)?;
            while !admitted.arguments.is_complete() {
                let bytes = body.read().map_err(|Interrupted| Details::interrupted())?;
                admitted.arguments.push(&bytes)?;
            }
            self.dispatch(admitted, head, connector)
        };
        respond().unwrap_or_else(Response::from)
    }

    /// Admits a request before its body is received. Authentication comes first: without it, the body is not read and the response
    /// reveals nothing.
    ///
    /// # Errors
    /// 401, 403, 404, 405, 413 and 415, and those of a query.
    pub fn admit(&self, head: &Head) -> Result<Admitted, Details> {
        self.configuration.callers()?.authenticate(head)?;
        let (path, query) = route::split(&head.target);
        let route = Route::at(path).ok_or_else(Details::not_found)?;
        if head.method != route.method() {
            return Err(Details::method_not_allowed(route.method()));
        }
        let query = Query::parse(query, &route)?;
        let arguments = if route.has_arguments() { Arguments::announced(head)? } else { Arguments::none() };
        Ok(Admitted { route, query, arguments })
    }

    /// Calls the connector for an admitted request whose arguments are complete.
    ///
    /// # Errors
    /// 400 for the arguments, and the errors of the connector.
    pub fn dispatch(
        &mut self,
        admitted: Admitted,
        head: &Head,
        connector: &mut impl Connector,
    ) -> Result<Response, Details> {
        let Admitted { route, query, arguments } = admitted;
        match route {
            Route::OpenApi => Ok(Response::new(200, "application/json", Payload::Full(OPENAPI.into()))),
            Route::Manifest => Response::json(200, &connector.describe()),
            Route::Checks => {
                let Check { rights } = arguments.parse()?;
                Response::json(200, &self.configured(connector)?.check(&rights)?)
            }
            Route::Accesses => {
                let Start { requests } = arguments.parse()?;
                list_response(self.configured(connector)?.access(&requests))
            }
            Route::Deletions => {
                let Delete { requests, mode } = arguments.parse()?;
                list_response(self.configured(connector)?.delete(&requests, mode))
            }
            Route::OptOuts => {
                let Start { requests } = arguments.parse()?;
                list_response(self.configured(connector)?.opt_out(&requests))
            }
            Route::Polls => {
                let Poll { tasks } = arguments.parse()?;
                list_response(self.configured(connector)?.poll(&tasks))
            }
            Route::Document(reference) => download::open(reference, &query, head, self.configured(connector)?),
        }
    }

    fn configured<'c, C: Connector>(&mut self, connector: &'c mut C) -> Result<&'c mut C, Details> {
        if !self.is_configured {
            self.configuration.apply(connector)?;
            self.is_configured = true;
        }
        Ok(connector)
    }
}

/// The results. While any request is pending or is to be repeated, `Retry-After` is the delay of the first that is due.
fn list_response(results: Results) -> Result<Response, Details> {
    let next_ms = results.iter().filter_map(next_call_ms).min();
    let results = results.into_iter().map(CallResult::from).collect();
    let response = Response::json(200, &ResultList { results })?;
    Ok(match next_ms {
        Some(ms) => response.with_header("retry-after", retry_after(ms).to_string()),
        None => response,
    })
}

const fn next_call_ms(result: &Result<Progress, Error>) -> Option<u64> {
    match result {
        Ok(Progress::Pending(Pending { poll_after_ms: delay_ms, .. }))
        | Err(Error { remedy: Remedy::Retry(delay_ms), .. }) => Some(*delay_ms),
        Ok(Progress::Done(_)) | Err(_) => None,
    }
}
