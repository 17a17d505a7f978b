//! What `--json` prints: records of the contract in their one JSON spelling, in an envelope of the command line's own.

use std::collections::BTreeMap;

use privacy_host::contract::{Connection, Error, Manifest, Outcome, Pending, Report};
use serde::Serialize;

use super::batch::Plan;

/// The envelopes, for `--help`.
pub(super) const HELP: &str = "\
With --json, a command prints one object:
  describe  {\"manifest\": {…}}
  check     {\"connection\": {…}}
  access, delete, opt-out, poll
            {\"request-id\": ID, \"pending\": {…}}
            {\"request-id\": ID, \"done\": {…}, \"polled-ticket\": TICKET, \"saved-to\": DIR}
            {\"request-id\": ID, \"ended\": {\"outcome\", \"jobs\", \"finished-at\"}, \"saved-to\": DIR}
                      the journal says that an earlier run completed the request
  batch     {\"batch\": {\"requests\", \"states\", \"left-out\"}}
            {\"plan\": {\"operations\", \"identifiers\", \"requests\", \"same-identifiers\", \"wrong-lines\"}}
                      with --check
  any       {\"error\": {…}, \"advice\": TEXT}
            {\"failure\": {\"kind\", \"message\"}, \"advice\": TEXT}
                      an error of the command line or the host
`manifest`, `connection`, `pending`, `done` and `error` hold the contract's records manifest, connection, pending, report and
error with all their members.";

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
    Batch {
        batch: Batch,
    },
    Plan {
        plan: &'a Plan,
    },
    Error {
        error: &'a Error,
        advice: Option<String>,
    },
    Failure {
        failure: Failure<'a>,
        advice: Option<String>,
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
    /// Prints it on standard output.
    pub(super) fn print(&self) {
        println!("{}", serde_json::to_string_pretty(self).unwrap_or_default());
    }
}
