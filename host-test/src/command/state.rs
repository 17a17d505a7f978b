//! The state directory: a directory for each request, by its ID, with the journal of the request.
//!
//! A command that was interrupted, on purpose or not, is continued from there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use host_test::journal::{Journal, JournalError};
use privacy_host::Entry;

use super::call::FollowArguments;
use super::connection::ConnectionOptions;
use super::connector::pair;
use super::errors::CommandError;
use super::exit::Exit;
use super::network::read;
use super::save::{create_private, write_private};

/// The file with the entries of a request.
const JOURNAL: &str = "journal";

/// The file with the connection that a request belongs to: see [`ConnectionOptions::identity`].
const CONNECTION: &str = "connection.json";

/// The directory with the state of all requests.
pub(super) struct StateDirectory(PathBuf);

/// The entries of one directory.
pub(super) enum Stored {
    Entries(Vec<Entry>),
    /// Another process works on this request.
    InUse(String),
}

impl StateDirectory {
    /// The state directory of the user: `privacy/requests` below `XDG_STATE_HOME`, by default `~/.local/state`.
    ///
    /// # Errors
    /// The system names no home directory.
    pub(super) fn find() -> Result<Self, CommandError> {
        let directories = etcetera::choose_base_strategy().map_err(|_| {
            CommandError::usage(
                "no directory for the state of requests is known: set HOME or XDG_STATE_HOME, or give --journal",
            )
        })?;
        let base = directories.state_dir().unwrap_or_else(|| directories.data_dir());
        Ok(Self(base.join("privacy").join("requests")))
    }

    /// The journal of a request, which is created if it is missing. Only the owner can read it.
    ///
    /// # Errors
    /// The ID cannot be one of a request, the request belongs to another connection, or the journal cannot be used.
    pub(super) fn open(&self, id: &str, connection: &BTreeMap<String, String>) -> Result<Journal, CommandError> {
        let directory = self.0.join(name(id)?);
        create_private(&directory).map_err(|error| {
            CommandError::local(Exit::Error, format!("{} cannot be created: {error}", directory.display()))
        })?;
        let file = directory.join(CONNECTION);
        if file.exists() {
            must_be(connection, &file, id)?;
        } else {
            write_private(&file, &serde_json::to_vec_pretty(connection).unwrap_or_default())?;
        }
        Ok(Journal::open(&directory.join(JOURNAL))?)
    }

    /// Fails if a request that exists belongs to another connection: the same ID may be in use for another tenant.
    ///
    /// # Errors
    /// It does, or its state cannot be read.
    pub(super) fn must_belong(&self, id: &str, connection: &BTreeMap<String, String>) -> Result<(), CommandError> {
        let file = self.0.join(name(id)?).join(CONNECTION);
        if file.exists() { must_be(connection, &file, id) } else { Ok(()) }
    }

    /// The journal of a request that exists.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub(super) fn existing(&self, id: &str) -> Result<Journal, CommandError> {
        let journal = self.0.join(name(id)?).join(JOURNAL);
        if !journal.exists() {
            let message = format!("no request {id} is stored in {}", self.0.display());
            return Err(CommandError::usage(message).with_advice("`privacy list` lists the requests that are stored"));
        }
        Ok(Journal::open(&journal)?)
    }

    /// The entries of all requests, by their IDs.
    ///
    /// # Errors
    /// A directory or a journal cannot be read.
    pub(super) fn entries(&self) -> Result<Vec<Stored>, CommandError> {
        let failed = |error: io::Error| CommandError::local(Exit::Error, format!("{}: {error}", self.0.display()));
        let directories = match fs::read_dir(&self.0) {
            Ok(directories) => directories.collect::<io::Result<Vec<_>>>().map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        let mut directories: Vec<PathBuf> = directories.into_iter().map(|entry| entry.path()).collect();
        directories.sort();
        let mut stored = Vec::new();
        for directory in directories.into_iter().filter(|directory| directory.join(JOURNAL).exists()) {
            stored.push(match Journal::open(&directory.join(JOURNAL)) {
                Ok(journal) => Stored::Entries(journal.entries()?),
                Err(JournalError::InUse) => Stored::InUse(id(&directory)),
                Err(error) => return Err(error.into()),
            });
        }
        Ok(stored)
    }
}

/// Fails unless this file holds this connection.
fn must_be(connection: &BTreeMap<String, String>, file: &Path, id: &str) -> Result<(), CommandError> {
    let stored: BTreeMap<String, String> = serde_json::from_slice(&read(file)?).unwrap_or_default();
    let keys = connection.keys().chain(stored.keys());
    let Some(key) = keys.into_iter().find(|key| connection.get(*key) != stored.get(*key)) else { return Ok(()) };
    let message = format!("the request {id} belongs to a connection with another {key}");
    Err(CommandError::usage(message).with_advice(format!(
        "use another ID, or the connection of the request. If both are the same tenant, remove {}",
        file.display()
    )))
}

/// The name of the directory of a request: its ID, which is a safe name but for a dot at its start.
fn name(id: &str) -> Result<String, CommandError> {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(is_usual) {
        return Err(CommandError::usage(
            "the ID of a request has 1 to 128 characters of A-Z, a-z, 0-9, dot, underscore, colon and hyphen",
        ));
    }
    // A colon is no character of a file name on every system.
    Ok(match id.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => id.to_owned(),
    }
    .replace(':', "%3A"))
}

fn id(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    name.replace("%2E", ".").replace("%3A", ":")
}

/// The command that continues a request, without identifiers: the state has them, and a log must not.
#[derive(Clone)]
pub(super) struct Continuation(Vec<OsString>);

impl Continuation {
    /// From the state directory, or from this journal.
    pub(super) fn resume(
        id: &str,
        journal: Option<&Path>,
        follow: &FollowArguments,
        connection: &ConnectionOptions,
    ) -> Self {
        let journal = journal.map(|file| pair("--journal", file)).into_iter().flatten();
        let words = ["privacy", "resume", id].map(OsString::from).into_iter().chain(journal);
        let words = words.chain(follow.wait.then(|| OsString::from("--wait")));
        Self(words.chain(connection.arguments()).collect())
    }

    /// From a ticket. The identifiers of the person have to be added.
    pub(super) fn poll(id: &str, ticket: &str, connection: &[OsString]) -> Self {
        let words = ["privacy", "poll", "--id", id, "--ticket", ticket].map(OsString::from).into_iter();
        Self(words.chain(connection.iter().cloned()).collect())
    }

    /// One line that can be pasted into a shell.
    pub(super) fn line(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let quoted = |word: &String| shlex::try_quote(word).map_or_else(|_| word.clone(), |quoted| quoted.into_owned());
        words.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_the_id_of_its_request_as_a_safe_name() {
        for (id, expected) in [("dsr-1", "dsr-1"), ("..", "%2E."), ("a:b.c", "a%3Ab.c")] {
            let name = name(id).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((name.as_str(), super::id(Path::new(&name)).as_str()), (expected, id));
        }
        for id in ["", "a/b", "a b", "ä", &"a".repeat(129)] {
            assert!(name(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_continuation_is_quoted_for_a_shell() {
        let words = ["privacy", "resume", "dsr-1", "--ca-certificate", "my roots.pem"].map(OsString::from).to_vec();
        assert_eq!(Continuation(words).line(), "privacy resume dsr-1 --ca-certificate 'my roots.pem'");
    }
}
