//! Many requests at once, whatever happens in between.

mod board;
mod lines;
mod progress;
mod results;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::future::try_join_all;
use host_test::host::contract::{Identifier, Request};
use host_test::journal::{Entry, Journal, Next};

use self::board::Board;
use self::progress::Progress;
use self::worker::Crew;
use super::connection::ConnectionOptions;
use super::exit::Exit;
use super::save;
use super::trouble::Trouble;

/// Serves the requests of a CSV file, many at once, and each of them once.
///
/// The file's first line names its columns: key, right (access or deletion), mode (of a deletion: preview, erase or
/// erase-and-verify), email, phone, external_reference, confirmed (codes of guards that a person has lifted). Several
/// values of one column have semicolons between them.
///
/// How far each request has come is kept in the journal. Whatever ends this command, the same command goes on from there,
/// and nothing is begun twice. What ended with an error that a person can mend is tried again with the next run. A
/// deletion waits for the access requests on the same person.
#[derive(Args)]
#[command(after_help = "\
Exit codes are those of single requests, of the first of these that occurs: 3 (a request is not at its end), 1, 6, 8, 4, 5, 0.
Where the credentials are refused, nothing more is begun, and it is 1.")]
pub(super) struct BatchOptions {
    /// The CSV file
    requests: PathBuf,
    /// The file in which to note how far the requests have come. It holds their names until they have ended; only you can
    /// read it
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// The directory in which each request gets one for its documents and receipt
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The CSV file in which to write how each request ended, without names; it is replaced at the beginning and at the end
    /// of each run
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// How many calls to the connector to make at once. They share what the setting `rate-share` allows
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: u32,
    /// Begins this deletion, which ended as `outcome-unknown`, without looking for the earlier attempt: only when a person has
    /// seen, in the vendor's own system, that there is none; repeatable
    #[arg(long, value_name = "KEY")]
    begin_anew: Vec<String>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl BatchOptions {
    pub(super) async fn run(self, json: bool) -> Result<Exit, Trouble> {
        let entries = lines::read(&self.requests)?;
        if let Some(key) = self.begin_anew.iter().find(|key| !entries.iter().any(|entry| entry.key() == *key)) {
            return Err(Trouble::usage(format!("no request has the key {key} of --begin-anew")));
        }
        let journal = Journal::open(&self.journal)?;
        let names: Vec<Vec<Identifier>> = entries.iter().map(names).collect();
        let (entries, left_out) = self.resume(entries, &journal)?;
        let mut connector = self.connection.connector().await?;
        connector.share_limits();
        let board = Board::new(entries, &names);
        let progress = Progress::new(&board, json);
        if !left_out.is_empty() {
            let keys = left_out.join(", ");
            progress
                .say(&format!("Not in {}, and so left as they are, not at their end: {keys}", self.requests.display()));
        }
        let crew = Crew::new(connector, journal, board, progress);
        // That they cannot be written is to be known before hours of work, not after.
        self.write_results(&crew)?;

        let worked = tokio::select! {
            worked = try_join_all((0..self.concurrency).map(|_| crew.work())) => worked.map(drop),
            () = interrupted_twice(&crew) => Ok(()),
        };
        crew.progress.end();
        // Also after trouble: what has ended has ended.
        self.write_results(&crew)?;
        worked?;
        let exit = results::summary(&crew.board(), left_out.len(), json);
        // Running it again would not help, as it does with what is merely not at its end.
        Ok(if crew.is_refused() { Exit::Error } else { exit })
    }

    fn write_results(&self, crew: &Crew) -> Result<(), Trouble> {
        let Some(path) = &self.results else { return Ok(()) };
        let is =
            |other: &Path| path.canonicalize().is_ok_and(|path| other.canonicalize().is_ok_and(|other| path == other));
        if is(&self.requests) || is(&self.journal) {
            return Err(Trouble::usage("--results is the file of the requests, or the journal".to_owned()));
        }
        save::write_whole(path, &results::csv(&crew.board(), crew.now_ms() / 1_000))
    }

    /// The entries as the journal has them, with those that are new to it; all are in it when this returns. And the keys of
    /// those in it that the file does not name, though they are not at their end.
    fn resume(&self, entries: Vec<Entry>, journal: &Journal) -> Result<(Vec<Entry>, Vec<String>), Trouble> {
        let out = self.out.as_deref().map(std::path::absolute).transpose();
        let out = out.map_err(|error| Trouble::usage(format!("--out is no path: {error}")))?;
        out.as_deref().map_or(Ok(()), save::make)?;
        let kept = journal.entries()?.into_iter().map(|entry| (entry.id(), entry));
        let mut kept: BTreeMap<String, Entry> = kept.collect();
        let mut resumed = Vec::with_capacity(entries.len());
        let mut others = Vec::new();
        for entry in entries {
            match kept.remove(&entry.id()) {
                Some(kept) if !entry.is_for(&kept) => others.push(entry.key().to_owned()),
                Some(kept) => {
                    // Said to a request that waits for a person's word, and to no other: the same command has to be good
                    // for going on, too.
                    let waits_for_word = kept.end().is_some_and(|end| end.result.is_err());
                    let mut entry = entry.resumed(kept);
                    if waits_for_word && self.begin_anew.iter().any(|key| key == entry.key()) {
                        entry.forget_attempt();
                    }
                    resumed.push(entry);
                }
                None => resumed.push(entry),
            }
        }
        if !others.is_empty() {
            let keys = others.join(", ");
            return Err(Trouble::usage(format!("the journal holds other requests under these keys: {keys}")));
        }
        let left_out = kept.into_values().filter(|entry| entry.end().is_none()).map(|entry| entry.key().to_owned());
        let left_out = left_out.collect();
        for entry in &mut resumed {
            set_directory(entry, out.as_deref())?;
        }
        journal.put(&resumed)?;
        Ok((resumed, left_out))
    }
}

/// An earlier run may have made the directory; nobody else may.
fn set_directory(entry: &mut Entry, out: Option<&Path>) -> Result<(), Trouble> {
    let directory = out.map(|out| out.join(entry.key()));
    if entry.end().is_none() && entry.directory != directory {
        directory.as_deref().map_or(Ok(()), save::must_not_exist)?;
        entry.directory = directory;
    }
    Ok(())
}

/// The names of a request that was just read.
fn names(entry: &Entry) -> Vec<Identifier> {
    match entry.next() {
        Next::Begin(Request { subject, .. }) => subject,
        Next::Poll(_) | Next::Nothing => Vec::new(),
    }
}

/// The first time, the calls that are under way may end; the second time, nothing more is waited for.
async fn interrupted_twice(crew: &Crew) {
    interrupted().await;
    crew.progress
        .say("Ending when the calls under way have ended; once more to end at once. The same command goes on.");
    crew.stop();
    interrupted().await;
}

async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut ended) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = ended.recv() => {}
        }
        return;
    }
    // Where signals cannot be had, nothing is ever interrupted in this way.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
