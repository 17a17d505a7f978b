//! What must outlive the host: which requests there are, and how far each has come.
//!
//! A host that dies in the middle of a call does not know whether the vendor has begun. So it notes the time before each
//! call that may begin something, the ticket before it polls with it, and the end when there is one. [`Entry`] is what is
//! noted, and decides what the next call is; [`Journal`] keeps entries on disk. A host that has a database of its own
//! keeps entries there, and leaves the rest as it is.
//!
//! **A journal holds personal data.** To go on with a request, its names are needed, so they stand in the file, which none but its
//! owner can read. Names are removed from an entry when it has ended; yet the bytes may stay in free space of
//! the file. Delete the file when its requests have ended and the results are kept elsewhere.

mod entry;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};

pub use entry::{Aim, End, Entry, Next, Turn};

/// The version of what stands in the tables. A later one reads what this one wrote.
const SCHEMA: u64 = 1;

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
/// [`Entry::id`], and the entry as JSON.
const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");

/// Entries on disk, for one process at a time.
pub struct Journal(Database);

impl Journal {
    /// Opens the journal in this file, which is made if there is none, for its owner alone.
    ///
    /// After a crash it is as the last [`put`](Self::put) that returned left it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        make_owner_only(path)?;
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => JournalError::InUse,
            error => JournalError::Storage(Box::new(error.into())),
        })?;
        let change = database.begin_write()?;
        {
            let mut about = change.open_table(ABOUT)?;
            let schema = about.get("schema")?.map(|schema| schema.value());
            match schema {
                Some(SCHEMA) => {}
                Some(_) => return Err(JournalError::Newer),
                None => {
                    about.insert("schema", SCHEMA)?;
                }
            }
            change.open_table(ENTRIES)?;
        }
        change.commit()?;
        Ok(Self(database))
    }

    /// The entry of this [`Entry::id`], if there is one.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn get(&self, id: &str) -> Result<Option<Entry>, JournalError> {
        let entries = self.0.begin_read()?.open_table(ENTRIES)?;
        let Some(entry) = entries.get(id)? else { return Ok(None) };
        serde_json::from_slice(entry.value()).map(Some).map_err(|_| JournalError::Damaged)
    }

    /// Keeps entries in place of those of the same ids: all or none. What was kept when this returns is there after a
    /// crash of the machine. It waits for the disk.
    ///
    /// # Errors
    /// [`JournalError`]: then nothing was kept.
    pub fn put<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        let change = self.0.begin_write()?;
        {
            let mut table = change.open_table(ENTRIES)?;
            for entry in entries {
                let json = serde_json::to_vec(entry).map_err(|_| JournalError::Damaged)?;
                table.insert(entry.id().as_str(), json.as_slice())?;
            }
        }
        change.commit()?;
        Ok(())
    }
}

/// Makes the file, unless there is one that none but its owner may read and write.
fn make_owner_only(path: &Path) -> Result<(), JournalError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
        return Err(JournalError::Exposed);
    }
    // A file that was just made is there after a crash of the machine only once its directory is written.
    #[cfg(unix)]
    File::open(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Why a journal cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it open.
    InUse,
    /// Others than its owner may read or write the file.
    Exposed,
    /// A later version of this program wrote it.
    Newer,
    /// It holds what this program did not write.
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
                formatter.write_str("the journal holds names of persons, and others may read it: chmod 600")
            }
            Self::Newer => formatter.write_str("the journal was written by a later version of this program"),
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
