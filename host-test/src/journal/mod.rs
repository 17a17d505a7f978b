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
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition};

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
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
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
        entries.get(id)?.map(|entry| read(entry.value())).transpose()
    }

    /// All entries, in the order of their ids.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.0.begin_read()?.open_table(ENTRIES)?.iter()?.map(|entry| read(entry?.1.value())).collect()
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

fn read(json: &[u8]) -> Result<Entry, JournalError> {
    serde_json::from_slice(json).map_err(|_| JournalError::Damaged)
}

/// Makes a journal that holds nothing. It gets its name when it is whole, since half a one is none that can be opened; and
/// only if nobody else has made one in the meantime.
fn make(path: &Path) -> Result<(), JournalError> {
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
    // It is there after a crash of the machine only once its directory is written.
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
    /// Another process has it open.
    InUse,
    /// Others than its owner may read or write the file.
    Exposed,
    /// A later version of this program wrote it.
    Newer,
    /// The file is none, or is cut off.
    Foreign,
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
            Self::Foreign => formatter.write_str("the file is no journal, or is cut off"),
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
