//! Which call a request is, and how its result is answered.

use serde::Serialize;

use crate::arguments::{self, Access, Check, Delete, Poll};
use crate::configuration::Configuration;
use crate::contract::{Connector, Error, Progress};
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

/// One answer of a list.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum One {
    Error(Details),
    #[serde(untagged)]
    Progress(Progress),
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
                Answer::json(200, &self.configured(connector)?.check(rights)?)
            }
            Route::Accesses => {
                let Access { request } = arguments::read(head, body)?;
                progress(&self.configured(connector)?.access(request)?)
            }
            Route::Deletions => {
                let Delete { request, mode } = arguments::read(head, body)?;
                progress(&self.configured(connector)?.delete(request, mode)?)
            }
            Route::Polls => {
                let Poll { tasks } = arguments::read(head, body)?;
                let answers = self.configured(connector)?.poll(tasks);
                let next_ms = answers.iter().flatten().filter_map(poll_after_ms).min();
                let one =
                    |answer: Result<_, Error>| answer.map_or_else(|error| One::Error(error.into()), One::Progress);
                let answers: Vec<One> = answers.into_iter().map(one).collect();
                standing(next_ms, &answers)
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

fn progress(progress: &Progress) -> Result<Answer, Details> {
    standing(poll_after_ms(progress), progress)
}

const fn poll_after_ms(progress: &Progress) -> Option<u64> {
    match progress {
        Progress::Pending(pending) => Some(pending.poll_after_ms),
        Progress::Done(_) => None,
    }
}

/// 202 and `Retry-After` while something is pending that is to be asked for in so many milliseconds, else 200.
fn standing(next_ms: Option<u64>, value: &impl Serialize) -> Result<Answer, Details> {
    match next_ms {
        Some(ms) => Ok(Answer::json(202, value)?.with("retry-after", retry_after(ms).to_string())),
        None => Answer::json(200, value),
    }
}
