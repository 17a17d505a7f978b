//! The command `batch`: many requests, continued after any interruption.

mod input;
mod plan;
mod progress;
mod results;
mod validation;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::future::try_join_all;
use host_test::journal::Journal;
use host_test::schedule::Schedule;
pub(super) use host_test::schedule::state;
use privacy_host::Entry;
use privacy_host::contract::Identifier;

pub(super) use self::plan::Plan;
use self::progress::ProgressDisplay;
use self::worker::Workers;
use super::connection::{self, ConnectionOptions};
use super::errors::CommandError;
use super::evidence::EvidenceSource;
use super::exit::Exit;
use super::follow::{EarlierAttempts, continue_from};
use super::{save, terminal};

/// The most lines or IDs that one message lists.
const MAX_LISTED: usize = 20;

/// Fulfils the requests of a CSV file, and continues after any interruption.
///
/// The first line of the file names its columns: id, right (access, deletion or opt-out), mode (of a deletion: preview, erase or
/// erase-and-verify), email, phone, external-id, overrides (codes of guards that an operator has overridden). Semicolons separate
/// several values of one column. Nothing is started until every line is correct; `--check` only shows what would be done.
///
/// Several requests are processed at a time. The journal holds the state of each. After any interruption, the same command
/// continues, and no deletion is started twice. A request that ended with an error that an operator can fix is tried again by the
/// next run. A deletion waits for the access requests for the same person, and starts only if they have a complete copy of the data.
#[derive(Args)]
#[command(after_help = "\
The exit code is that of a single request: the first of 3 (a request has not ended), 1, 6, 8, 4, 5, 0 that occurs.
If the credentials are rejected, no further request is started, and the exit code is 1.")]
pub(super) struct BatchOptions {
    /// The CSV file
    requests: PathBuf,
    /// Validates the file, and shows what would be done. Makes no call to the vendor, needs no credentials, and reads and writes no
    /// other file. The exit code is 0 if the file is usable, and 2 if not
    #[arg(long)]
    check: bool,
    /// The file for the state of the requests. It holds their identifiers until they have ended; only you can read it
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    journal: Option<PathBuf>,
    /// The directory in which each request gets a directory for its documents and receipt
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The CSV file for the results, without identifiers of people; it is replaced at the start and at the end of each run
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// The number of concurrent calls to the connector. They share what the setting `rate-share` allows
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: u32,
    /// Starts this deletion, which ended with `outcome-unknown`, without a search for its earlier attempts: only after an operator
    /// has seen in the vendor's own system that there is no such job; repeatable
    #[arg(long, value_name = "ID")]
    start_anyway: Vec<String>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl BatchOptions {
    pub(super) fn connection_mut(&mut self) -> &mut ConnectionOptions {
        &mut self.connection
    }

    pub(super) async fn run(self, json: bool) -> Result<Exit, CommandError> {
        let mut input = input::read(&self.requests)?;
        let plugin = self.connection.plugin()?;
        validation::validate(&mut connection::offline(&plugin).await?, &mut input.lines).await?;
        if let Some(id) = self.start_anyway.iter().find(|id| !input.lines.iter().any(|line| line.request.id == **id)) {
            return Err(CommandError::usage(format!("no request has the ID {id} of --start-anyway")));
        }
        if self.check {
            return Ok(plan::show(&input, &plugin.manifest().await?, json));
        }
        let entries = input.into_entries()?;
        let subjects: Vec<Vec<Identifier>> = entries.iter().map(|entry| entry.subject().to_vec()).collect();
        let journal = Journal::open(self.journal()?)?;
        let (entries, left_out) = self.resume(entries, &journal)?;
        let connector = self.connection.connect_with_shared_limits(plugin).await?;
        let schedule = Schedule::new(entries, &subjects, connector.group_size(), connector.pace());
        let evidence = EvidenceSource::new(connector, self.connection.component_sha256());
        let display = ProgressDisplay::new(&schedule, json || terminal::is_quiet());
        if !left_out.is_empty() {
            let ids = listed(&left_out, ", ");
            display.message(&format!(
                "Requests in the journal that are open, but not in {}: {ids}",
                self.requests.display()
            ));
        }
        let workers = Workers::new(evidence, journal, schedule, display);
        // A results file that cannot be written is reported before hours of work, not after.
        self.write_results(&workers)?;

        let worked = tokio::select! {
            worked = try_join_all((0..self.concurrency).map(|_| workers.work())) => worked.map(drop),
            () = interrupted_twice(&workers) => Ok(()),
        };
        workers.display.finish();
        // After an error, too: some requests have ended.
        self.write_results(&workers)?;
        worked?;
        let undecided = results::undecided(&workers.schedule());
        if !undecided.is_empty() {
            workers.display.message(&listed(&undecided, "\n"));
        }
        let exit = results::summary(&workers.schedule(), left_out.len(), json);
        // Open requests alone mean that another run continues. With rejected credentials it would not.
        Ok(if workers.is_unauthorized() { Exit::Error } else { exit })
    }

    fn journal(&self) -> Result<&Path, CommandError> {
        self.journal.as_deref().ok_or_else(|| CommandError::usage("a batch needs --journal"))
    }

    fn write_results(&self, workers: &Workers) -> Result<(), CommandError> {
        let Some(path) = &self.results else { return Ok(()) };
        let is =
            |other: &Path| path.canonicalize().is_ok_and(|path| other.canonicalize().is_ok_and(|other| path == other));
        if is(&self.requests) || is(self.journal()?) {
            return Err(CommandError::usage("--results is the file of the requests, or the journal"));
        }
        save::write_whole(path, &results::csv(&workers.schedule(), workers.now_ms() / 1_000))
    }

    /// Continues the entries from their states in the journal, and stores them. The second result lists the IDs of open requests
    /// in the journal that are not in the file.
    fn resume(&self, entries: Vec<Entry>, journal: &Journal) -> Result<(Vec<Entry>, Vec<String>), CommandError> {
        let out = super::absolute(self.out.as_deref())?;
        out.as_deref().map_or(Ok(()), save::create_directory)?;
        let stored = journal.entries()?.into_iter().map(|entry| (entry.key(), entry));
        let mut stored: BTreeMap<String, Entry> = stored.collect();
        let mut resumed = Vec::with_capacity(entries.len());
        let mut others = Vec::new();
        for entry in entries {
            match stored.remove(&entry.key()) {
                Some(stored) if !entry.is_same_request(&stored) => others.push(entry.request_id().to_owned()),
                Some(stored) => {
                    let is_named = self.start_anyway.iter().any(|id| id == entry.request_id());
                    let attempts = if is_named { EarlierAttempts::Forget } else { EarlierAttempts::Find };
                    resumed.push(continue_from(entry, stored, attempts));
                }
                None => resumed.push(entry),
            }
        }
        if !others.is_empty() {
            let ids = listed(&others, ", ");
            return Err(CommandError::usage(format!("the journal holds other requests with these IDs: {ids}")));
        }
        let left_out = stored.into_values().filter(|entry| entry.end().is_none());
        let left_out = left_out.map(|entry| entry.request_id().to_owned()).collect();
        for entry in &mut resumed {
            set_directory(entry, out.as_deref())?;
        }
        journal.put(&resumed)?;
        Ok((resumed, left_out))
    }
}

/// The first of these items and how many more there are, so that a long list does not hide a message.
fn listed(items: &[String], separator: &str) -> String {
    let first = items.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join(separator);
    match items.len().saturating_sub(MAX_LISTED) {
        0 => first,
        more if separator == "\n" => format!("{first}\n  and {more} more"),
        more => format!("{first} and {more} more"),
    }
}

/// The directory may have been created by an earlier run of the same request, and by no other program.
fn set_directory(entry: &mut Entry, out: Option<&Path>) -> Result<(), CommandError> {
    let directory = out.map(|out| out.join(entry.request_id()));
    if entry.end().is_none() && entry.directory != directory {
        directory.as_deref().map_or(Ok(()), save::must_not_exist)?;
        entry.directory = directory;
    }
    Ok(())
}

/// The first interrupt lets the calls in progress end. The second one does not wait for them.
async fn interrupted_twice(workers: &Workers) {
    interrupted().await;
    workers.display.message(
        "Stopping when the calls in progress have ended; interrupt again to stop at once. The same command continues.",
    );
    workers.stop();
    interrupted().await;
}

async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        return;
    }
    // Without signals there is no such interrupt.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
