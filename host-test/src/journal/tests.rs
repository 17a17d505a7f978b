//! The file of a journal: crashes, full disks, other files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use privacy_host::Operation;
use privacy_host::contract::{DeletionMode, Error, Identifier, Pending, Progress, Request, Stage};

use super::*;

fn deletion() -> Entry {
    let request = Request::new("dsr-1", [Identifier::email("ada.lovelace@example.com")]);
    Entry::new(request, Operation::Deletion(DeletionMode::Erase))
}

fn pending(ticket: &str) -> Result<Progress, Error> {
    Ok(Progress::Pending(Pending {
        ticket: ticket.to_owned(),
        stage: Stage::Deleting,
        poll_after_ms: 30_000,
        group: None,
        submitted_at: None,
        vendor_status: None,
        percent: None,
        attention: None,
    }))
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("journal-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&place).or_else(|_| std::fs::remove_dir_all(&place));
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn stored_entries_are_there_when_the_journal_is_opened_again() {
    let place = Place::new("put");
    let entry = deletion();
    {
        let journal = Journal::open(&place.0).unwrap();
        assert!(journal.get(&entry.key()).unwrap().is_none());
        journal.put([&entry]).unwrap();
        assert!(matches!(Journal::open(&place.0), Err(JournalError::InUse)));
    }
    assert_eq!(Journal::open(&place.0).unwrap().get(&entry.key()).unwrap(), Some(entry));
}

#[test]
fn a_journal_of_another_version_is_not_opened() {
    let place = Place::new("other-version");
    drop(Journal::open(&place.0).unwrap());
    let database = Database::create(&place.0).unwrap();
    let change = database.begin_write().unwrap();
    change.open_table(ABOUT).unwrap().insert("schema", SCHEMA + 1).unwrap();
    change.commit().unwrap();
    drop(database);
    assert!(matches!(Journal::open(&place.0), Err(JournalError::OtherVersion)));
}

#[test]
fn a_partial_file_of_a_killed_process_does_not_prevent_a_new_journal() {
    let place = Place::new("made");
    std::fs::create_dir(&place.0).unwrap();
    std::fs::write(place.0.join(".journal.0123456789abcdef.part"), vec![0; 4096]).unwrap();
    let journal = Journal::open(&place.0.join("journal")).unwrap();
    assert!(journal.entries().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(&place.0).unwrap().count(), 2, "no other file is left");
}

#[test]
fn a_file_that_is_not_a_journal_is_not_changed() {
    let place = Place::new("foreign");
    let owner_only = || {
        #[cfg(unix)]
        std::fs::set_permissions(&place.0, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    for bytes in [Vec::new(), b"key,right\n".to_vec(), vec![0; 100_000]] {
        std::fs::write(&place.0, &bytes).unwrap();
        owner_only();
        assert!(matches!(Journal::open(&place.0), Err(JournalError::Foreign)));
        assert_eq!(std::fs::read(&place.0).unwrap(), bytes);
    }
    std::fs::remove_file(&place.0).unwrap();
    Journal::open(&place.0).unwrap().put([&deletion()]).unwrap();
    let whole = std::fs::read(&place.0).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 97) {
        std::fs::write(&place.0, &whole[..length]).unwrap();
        owner_only();
        assert!(Journal::open(&place.0).is_err(), "truncated at {length}");
    }
}

/// A disk that records every operation on it.
#[derive(Clone, Debug, Default)]
struct Disk {
    log: Arc<Mutex<Vec<DiskOp>>>,
    full: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
enum DiskOp {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// The contents of a disk after these operations.
fn image<'d>(operations: impl IntoIterator<Item = &'d DiskOp>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for operation in operations {
        match operation {
            DiskOp::Write(offset, data) => {
                let start = *offset as usize;
                let end = start + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[start..end].copy_from_slice(data);
            }
            DiskOp::Length(length) => bytes.resize(*length as usize, 0),
            DiskOp::Sync => {}
        }
    }
    bytes
}

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        Self { log: Arc::new(Mutex::new(vec![DiskOp::Write(0, bytes)])), ..Self::default() }
    }

    fn operations(&self) -> Vec<DiskOp> {
        self.log.lock().unwrap().clone()
    }

    fn journal(&self) -> Result<Journal, JournalError> {
        let memory = InMemoryBackend::new();
        let bytes = image(&self.operations());
        memory.set_len(bytes.len() as u64).unwrap();
        memory.write(0, &bytes).unwrap();
        let backend = Recording { memory, disk: self.clone() };
        Journal::on(Database::builder().create_with_backend(backend).map_err(not_opened)?)
    }
}

#[derive(Debug)]
struct Recording {
    memory: InMemoryBackend,
    disk: Disk,
}

impl Recording {
    fn record(&self, operation: DiskOp) -> io::Result<()> {
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.log.lock().unwrap().push(operation);
        Ok(())
    }
}

impl StorageBackend for Recording {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.record(DiskOp::Length(length))?;
        self.memory.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.record(DiskOp::Sync)?;
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.record(DiskOp::Write(offset, data.to_vec()))?;
        self.memory.write(offset, data)
    }
}

#[test]
fn after_a_crash_the_journal_holds_the_last_put_that_returned_or_the_next_one() {
    let disk = Disk::default();
    drop(disk.journal().unwrap());
    let created = disk.operations().len();
    let journal = disk.journal().unwrap();
    // The entry after each put, and the number of disk operations when that put returned.
    let mut entry = deletion();
    let mut puts = vec![(None, created)];
    for turn in 0..12 {
        entry.start_attempt(turn);
        entry.record_result(pending(&"t".repeat(1 + 500 * turn as usize)), turn);
        journal.put([&entry]).unwrap();
        puts.push((Some(entry.clone()), disk.operations().len()));
    }
    drop(journal);
    let operations = disk.operations();
    let mut random = SmallRng::seed_from_u64(1);
    for crash in created..=operations.len() {
        let synced = operations[..crash].iter().rposition(|operation| matches!(operation, DiskOp::Sync)).unwrap();
        let mut images = vec![image(&operations[..crash])];
        // A write in progress has happened in part.
        if let Some(DiskOp::Write(offset, data)) = operations.get(crash) {
            let torn = DiskOp::Write(*offset, data[..random.random_range(0..=data.len())].to_vec());
            images.push(image(operations[..crash].iter().chain([&torn])));
        }
        // Without power, each operation since the last sync may have happened or not.
        let (durable, open) = (&operations[..=synced], &operations[synced + 1..crash]);
        for _ in 0..4 {
            images.push(image(durable.iter().chain(open.iter().filter(|_| random.random()))));
        }
        let (before, _) = puts.iter().rposition(|(_, done)| *done <= crash).map(|put| &puts[put]).unwrap();
        let after = puts.iter().find(|(_, done)| *done > crash).map(|(entry, _)| entry);
        for image in images {
            let found = Disk::of(image).journal().unwrap_or_else(|error| panic!("operation {crash}: {error}"));
            let found = found.get(&entry.key()).unwrap();
            assert!(found == *before || Some(&found) == after, "operation {crash}: {found:?}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_loses_no_stored_entry() {
    let disk = Disk::default();
    let journal = disk.journal().unwrap();
    let mut entry = deletion();
    journal.put([&entry]).unwrap();
    let stored = entry.clone();
    disk.full.store(true, Ordering::SeqCst);
    entry.record_result(pending(&"t".repeat(100_000)), 1);
    assert!(matches!(journal.put([&entry]), Err(JournalError::Storage(_))));
    drop(journal);
    let journal = Disk::of(image(&disk.operations())).journal().unwrap();
    assert_eq!(journal.get(&entry.key()).unwrap(), Some(stored));
    journal.put([&entry]).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_journal() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("owner");
    drop(Journal::open(&place.0).unwrap());
    assert_eq!(place.0.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Journal::open(&place.0), Err(JournalError::Exposed)));
}
