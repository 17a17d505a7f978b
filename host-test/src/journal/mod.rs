//! The state of requests on disk, in one file for one process.
//!
//! A host with a database of its own keeps each [`Entry`] there instead: see [`privacy_host::follow`].
//!
//! **A journal holds personal data.** To continue a request its identifiers are needed. Only the owner of the file can read it.
//! The identifiers of an entry are removed when its request has ended, but the bytes may remain in free space of the file. Delete
//! the file when its requests have ended and the results are stored elsewhere.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition};

use privacy_host::Entry;

/// The version of the tables and of the entries in them.
const SCHEMA: u64 = 1;

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
/// [`Entry::key`], and the entry as JSON.
const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");

/// Entries on disk, for one process at a time.
pub struct Journal(Database);

impl Journal {
    /// Opens the journal in this file. A missing file is created; only its owner can read it.
    ///
    /// After a crash the journal is in the state of the last [`put`](Self::put) that returned, or of the next one.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
            _ => {}
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&path.metadata()?.permissions()) & 0o077 != 0 {
            return Err(JournalError::Exposed);
        }
        Self::on(Database::open(path).map_err(not_opened)?)
    }

    fn on(database: Database) -> Result<Self, JournalError> {
        let change = database.begin_write()?;
        {
            let mut about = change.open_table(ABOUT)?;
            let schema = about.get("schema")?.map(|schema| schema.value());
            match schema {
                Some(SCHEMA) => {}
                Some(_) => return Err(JournalError::OtherVersion),
                None => {
                    about.insert("schema", SCHEMA)?;
                }
            }
            change.open_table(ENTRIES)?;
        }
        change.commit()?;
        Ok(Self(database))
    }

    /// The entry with this [`Entry::key`], if there is one.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn get(&self, key: &str) -> Result<Option<Entry>, JournalError> {
        let entries = self.0.begin_read()?.open_table(ENTRIES)?;
        entries.get(key)?.map(|entry| parse(entry.value())).transpose()
    }

    /// All entries, in the order of their keys.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.0.begin_read()?.open_table(ENTRIES)?.iter()?.map(|entry| parse(entry?.1.value())).collect()
    }

    /// Stores entries, all or none, and replaces those with the same keys. Waits for the disk: stored entries survive a crash
    /// of the machine.
    ///
    /// # Errors
    /// [`JournalError`]. Nothing was stored.
    pub fn put<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        let change = self.0.begin_write()?;
        {
            let mut table = change.open_table(ENTRIES)?;
            for entry in entries {
                let json = serde_json::to_vec(entry).map_err(|_| JournalError::Damaged)?;
                table.insert(entry.key().as_str(), json.as_slice())?;
            }
        }
        change.commit()?;
        Ok(())
    }
}

fn parse(json: &[u8]) -> Result<Entry, JournalError> {
    serde_json::from_slice(json).map_err(|_| JournalError::Damaged)
}

/// Creates an empty journal. It gets its name when it is complete, because half a file cannot be opened, and only if no other
/// process has created one in the meantime.
fn create(path: &Path) -> Result<(), JournalError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = directory.join(format!(".{name}.{:016x}.part", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&part)?;
    let made =
        Database::create(&part).map_err(not_opened).and_then(Journal::on).map(drop).and_then(|()| match fs::hard_link(
            &part, path,
        ) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(JournalError::File(error)),
            _ => Ok(()),
        });
    fs::remove_file(&part)?;
    made?;
    // The name survives a crash of the machine only after the directory was written.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

fn not_opened(error: DatabaseError) -> JournalError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => JournalError::InUse,
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            JournalError::Foreign
        }
        error => JournalError::Storage(Box::new(error.into())),
    }
}

/// Why a journal cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has opened it.
    InUse,
    /// Users other than its owner may read or write the file.
    Exposed,
    /// Another version of this program wrote it.
    OtherVersion,
    /// The file is not a journal, or it is truncated.
    Foreign,
    /// It holds an entry that this program did not write.
    Damaged,
    /// The file cannot be opened.
    File(io::Error),
    /// The file cannot be read or written any more.
    Storage(Box<redb::Error>),
}

impl fmt::Display for JournalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => formatter.write_str("another process is using the journal"),
            Self::Exposed => {
                formatter.write_str("the journal holds personal data, and other users may read it: run chmod 600 on it")
            }
            Self::OtherVersion => formatter.write_str("the journal was written by another version of this program"),
            Self::Foreign => formatter.write_str("the file is not a journal, or it is truncated"),
            Self::Damaged => formatter.write_str("the journal is damaged"),
            Self::File(error) => write!(formatter, "the journal cannot be opened: {error}"),
            Self::Storage(error) => write!(formatter, "the journal cannot be used: {error}"),
        }
    }
}

impl std::error::Error for JournalError {}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

macro_rules! from_storage {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for JournalError {
            fn from(error: redb::$error) -> Self {
                Self::Storage(Box::new(error.into()))
            }
        }
    )*};
}

from_storage!(TransactionError, TableError, StorageError, CommitError);

#[cfg(test)]
mod tests;
