//! Which call a request is, and how its result is answered.

use privacy_contract::{CallResult, Progress};
use serde::Serialize;

use crate::arguments::{self, Check, Delete, Poll, Start};
use crate::configuration::Configuration;
use crate::connector::{Connector, Results};
use crate::document;
use crate::http::{Answer, Body, Head, Payload, retry_after};
use crate::problem::Details;
use crate::route::{self, Query, Route};

/// What `GET /openapi.json` serves.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The gateway of one instance. All that it keeps is that the connector is configured: the connector keeps a token, and a
/// host that lets one instance serve many requests saves the call for it.
pub struct Gateway {
    configuration: Configuration,
    configured: bool,
}

/// What a call with a list answers: one result for each element, in order.
#[derive(Serialize)]
struct ResultList {
    results: Vec<CallResult<Progress>>,
}

impl Gateway {
    /// A gateway that is set up like this.
    #[must_use]
    pub const fn new(configuration: Configuration) -> Self {
        Self { configuration, configured: false }
    }

    /// Answers a request. Who calls is looked at first: nobody else gets to know anything, or is listened to.
    pub fn answer(&mut self, head: &Head, body: &mut impl Body, connector: &mut impl Connector) -> Answer {
        self.serve(head, body, connector).unwrap_or_else(Answer::from)
    }

    fn serve(&mut self, head: &Head, body: &mut impl Body, connector: &mut impl Connector) -> Result<Answer, Details> {
        self.configuration.callers()?.admit(head)?;
        let (path, query) = route::split(&head.target);
        let route = Route::at(path).ok_or_else(Details::not_found)?;
        if head.method != route.method() {
            return Err(Details::method_not_allowed(route.method()));
        }
        let query = Query::read(query, &route)?;
        match route {
            Route::OpenApi => Ok(Answer::new(200, "application/json", Payload::Whole(OPENAPI.into()))),
            Route::Manifest => Answer::json(200, &connector.describe()),
            Route::Checks => {
                let Check { rights } = arguments::read(head, body)?;
                Answer::json(200, &self.configured(connector)?.check(&rights)?)
            }
            Route::Accesses => {
                let Start { requests } = arguments::read(head, body)?;
                list(self.configured(connector)?.access(&requests))
            }
            Route::Deletions => {
                let Delete { requests, mode } = arguments::read(head, body)?;
                list(self.configured(connector)?.delete(&requests, mode))
            }
            Route::OptOuts => {
                let Start { requests } = arguments::read(head, body)?;
                list(self.configured(connector)?.opt_out(&requests))
            }
            Route::Polls => {
                let Poll { tasks } = arguments::read(head, body)?;
                list(self.configured(connector)?.poll(&tasks))
            }
            Route::Document(reference) => document::open(reference, &query, head, self.configured(connector)?),
        }
    }

    fn configured<'c, C: Connector>(&mut self, connector: &'c mut C) -> Result<&'c mut C, Details> {
        if !self.configured {
            self.configuration.apply(connector)?;
            self.configured = true;
        }
        Ok(connector)
    }
}

/// Results and, while any request is pending, a `Retry-After` for the first of them.
fn list(results: Results) -> Result<Answer, Details> {
    let next_ms = results.iter().flatten().filter_map(poll_after_ms).min();
    let results = results.into_iter().map(CallResult::from).collect();
    let answer = Answer::json(200, &ResultList { results })?;
    Ok(match next_ms {
        Some(ms) => answer.with("retry-after", retry_after(ms).to_string()),
        None => answer,
    })
}

const fn poll_after_ms(progress: &Progress) -> Option<u64> {
    match progress {
        Progress::Pending(pending) => Some(pending.poll_after_ms),
        Progress::Done(_) => None,
    }
}
