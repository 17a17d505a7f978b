//! What `--json` prints: records of the contract in their one JSON spelling, in an envelope of the command line's own.

use std::collections::BTreeMap;

use privacy_host::contract::{Connection, Error, Manifest, Outcome, Pending, Report};
use serde::Serialize;

use super::batch::Plan;
use super::stored::RequestState;
use super::terminal::{self, Format};

/// The one object that a command prints.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "kebab-case")]
pub(super) enum Output<'a> {
    Manifest {
        manifest: &'a Manifest,
    },
    Connection {
        connection: &'a Connection,
    },
    Pending {
        request_id: &'a str,
        pending: &'a Pending,
        command: Option<&'a str>,
    },
    /// Polling with `polled_ticket`, the ticket that led to the report, returns the same report.
    Done {
        request_id: &'a str,
        done: &'a Report,
        polled_ticket: Option<&'a str>,
        saved_to: Option<String>,
    },
    Ended {
        request_id: &'a str,
        ended: Ended<'a>,
        saved_to: Option<String>,
    },
    Requests {
        requests: &'a [RequestState],
    },
    Batch {
        batch: Batch,
    },
    Plan {
        plan: &'a Plan,
    },
    Error {
        error: &'a Error,
        advice: Option<String>,
        command: Option<&'a str>,
    },
    Failure {
        failure: Failure<'a>,
        advice: Option<String>,
        command: Option<&'a str>,
    },
}

/// What the journal says of a request that an earlier run completed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Ended<'a> {
    pub(super) outcome: Outcome,
    pub(super) jobs: &'a [String],
    pub(super) finished_at: u64,
}

/// The requests of a batch.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Batch {
    pub(super) requests: usize,
    /// How many are in each state: an outcome, the kind of an error, `pending` or `held`.
    pub(super) states: BTreeMap<String, usize>,
    /// Open requests of the journal that are not in the file.
    pub(super) left_out: usize,
}

/// An error of the command line or of the host.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Failure<'a> {
    pub(super) kind: &'a str,
    pub(super) message: String,
}

impl Output<'_> {
    /// Prints it on standard output, as JSON unless YAML was asked for.
    pub(super) fn print(&self) {
        match terminal::format() {
            Format::Yaml => println!("{}", serde_saphyr::to_string(self).unwrap_or_default().trim_end()),
            Format::Json | Format::Table => println!("{}", serde_json::to_string_pretty(self).unwrap_or_default()),
        }
    }

    /// Prints it for programs, or the text for people.
    pub(super) fn print_or(&self, text: impl FnOnce()) {
        if terminal::format() == Format::Table { text() } else { self.print() }
    }
}
