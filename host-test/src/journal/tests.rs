use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;
use crate::host::contract::{
    DeletionMode, Error, ErrorKind, Identifier, Outcome, Pending, Progress, Receipt, Remedy, Report, Request, Right,
    Stage,
};

const ERASE: Aim = Aim::Deletion(DeletionMode::Erase);
const ADDRESS: &str = "ada.lovelace@example.com";

fn request() -> Request {
    Request {
        key: "dsr-1".to_owned(),
        subject: vec![Identifier::Email(ADDRESS.to_owned())],
        first_attempt_at: None,
        confirmed: Vec::new(),
        extra: Vec::new(),
    }
}

fn pending(ticket: &str) -> Result<Progress, Error> {
    Ok(Progress::Pending(Pending {
        ticket: ticket.to_owned(),
        stage: Stage::Erasing,
        poll_after_ms: 30_000,
        submitted_at: None,
        vendor_status: None,
        percent: None,
        attention: None,
        extra: Vec::new(),
    }))
}

fn error(kind: ErrorKind, remedy: Remedy) -> Error {
    let message = "It did not work.".to_owned();
    let (http_status, vendor_code, vendor_request_id) = (None, None, None);
    Error {
        kind,
        remedy,
        message,
        problems: Vec::new(),
        http_status,
        vendor_code,
        vendor_request_id,
        extra: Vec::new(),
    }
}

fn report(outcome: Outcome) -> Report {
    Report {
        right: Right::Deletion,
        outcome,
        findings: Vec::new(),
        documents: Vec::new(),
        also_known_as: Vec::new(),
        gaps: Vec::new(),
        receipt: Receipt {
            connector: "connector 1".to_owned(),
            request_key: "dsr-1".to_owned(),
            mode: None,
            jobs: Vec::new(),
            submitted_at: None,
            finished_at: 1_000,
        },
        ticket: None,
        extra: Vec::new(),
    }
}

fn reread(entry: &Entry) -> Entry {
    serde_json::from_slice(&serde_json::to_vec(entry).unwrap()).unwrap()
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
fn a_first_attempt_is_handed_over_only_after_it_was_lost() {
    let mut entry = Entry::new(request(), ERASE);
    assert_eq!(entry.begins(100).first_attempt_at, None);
    let mut after_a_crash = reread(&entry);
    assert_eq!(after_a_crash.begins(200).first_attempt_at, Some(100));
}

#[test]
fn an_attempt_that_began_nothing_is_no_first_attempt() {
    let mut entry = Entry::new(request(), ERASE);
    entry.begins(100);
    entry.answered(Err(error(ErrorKind::RateLimited, Remedy::Retry(5_000))), 101_000);
    assert_eq!(entry.first_attempt_at(), None);
    assert_eq!(entry.due_at_ms(), 106_000);
}

#[test]
fn an_attempt_that_may_have_begun_stays_the_first_whatever_comes_after_it() {
    let mut entry = Entry::new(request(), ERASE);
    entry.begins(100);
    entry.answered(Err(error(ErrorKind::OutcomeUnknown, Remedy::Retry(1))), 100_000);
    assert_eq!(entry.begins(200).first_attempt_at, Some(100));
    entry.answered(Err(error(ErrorKind::Unavailable, Remedy::Retry(1))), 200_000);
    assert_eq!(entry.begins(300).first_attempt_at, Some(100));
    entry.unanswered(300_000, 1);
    assert_eq!(entry.begins(400).first_attempt_at, Some(100));
}

#[test]
fn a_spent_ticket_of_a_deletion_is_followed_by_a_look_for_its_job() {
    for (aim, first_attempt_at) in [(ERASE, Some(100)), (Aim::Access, None)] {
        let mut entry = Entry::new(request(), aim);
        entry.begins(100);
        entry.answered(pending("t1"), 100_000);
        assert_eq!(entry.due_at_ms(), 130_000);
        assert!(matches!(reread(&entry).next(), Next::Poll(task) if task.ticket == "t1"));
        entry.answered(Err(error(ErrorKind::UnknownJob, Remedy::Restart)), 200_000);
        let Next::Begin(request) = entry.next() else { panic!("{entry:?}") };
        assert_eq!(request.first_attempt_at, first_attempt_at);
    }
}

#[test]
fn an_end_forgets_the_names_unless_the_request_may_go_on() {
    let mut entry = Entry::new(request(), ERASE);
    entry.begins(100);
    let mut failed = entry.clone();
    failed.answered(Err(error(ErrorKind::Forbidden, Remedy::Operator)), 100_000);
    assert_eq!(failed.next(), Next::Nothing);
    assert!(matches!(Entry::new(request(), ERASE).resumed(failed).next(), Next::Begin(again) if again == request()));

    let mut given_up = entry.clone();
    given_up.answered(Err(error(ErrorKind::InvalidRequest, Remedy::GiveUp)), 100_000);
    entry.ends(&report(Outcome::Erased));
    for ended in [given_up, entry] {
        assert!(!serde_json::to_string(&ended).unwrap().contains(ADDRESS));
        assert_eq!(Entry::new(request(), ERASE).resumed(ended).next(), Next::Nothing);
    }
}

#[test]
fn what_was_refused_goes_on_only_if_a_person_lifted_a_guard() {
    let mut refused = Entry::new(request(), ERASE);
    refused.begins(100);
    refused.ends(&report(Outcome::Refused));
    assert_eq!(Entry::new(request(), ERASE).resumed(refused.clone()).next(), Next::Nothing);
    let lifted = Request { confirmed: vec!["staff-account".to_owned()], ..request() };
    let Next::Begin(again) = Entry::new(lifted.clone(), ERASE).resumed(refused).next() else { panic!("not again") };
    assert_eq!(again, lifted);
}

#[test]
fn a_key_stands_for_the_same_names_in_any_spelling() {
    let entry = Entry::new(request(), ERASE);
    let of = |name: &str| Request { subject: vec![Identifier::Email(name.to_owned())], ..request() };
    assert!(entry.is_for(&Entry::new(of(&ADDRESS.to_uppercase()), ERASE)));
    assert!(!entry.is_for(&Entry::new(of("another@example.com"), ERASE)));
    assert!(!entry.is_for(&Entry::new(request(), Aim::Deletion(DeletionMode::EraseAndVerify))));
    assert_ne!(entry.id(), Entry::new(request(), Aim::Deletion(DeletionMode::Preview)).id());
}

#[test]
fn what_was_put_is_there_when_the_journal_is_opened_again() {
    let place = Place::new("put");
    let entry = Entry::new(request(), ERASE);
    {
        let journal = Journal::open(&place.0).unwrap();
        assert!(journal.get(&entry.id()).unwrap().is_none());
        journal.put([&entry]).unwrap();
        assert!(matches!(Journal::open(&place.0), Err(JournalError::InUse)));
    }
    assert_eq!(Journal::open(&place.0).unwrap().get(&entry.id()).unwrap(), Some(entry));
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let place = Place::new("later");
    drop(Journal::open(&place.0).unwrap());
    let database = Database::create(&place.0).unwrap();
    let change = database.begin_write().unwrap();
    change.open_table(ABOUT).unwrap().insert("schema", SCHEMA + 1).unwrap();
    change.commit().unwrap();
    drop(database);
    assert!(matches!(Journal::open(&place.0), Err(JournalError::Newer)));
}

#[test]
fn what_a_process_left_that_died_while_it_made_a_journal_is_in_nobodys_way() {
    let place = Place::new("made");
    std::fs::create_dir(&place.0).unwrap();
    // What a run left that died while it made one.
    std::fs::write(place.0.join(".journal.0123456789abcdef.part"), vec![0; 4096]).unwrap();
    let journal = Journal::open(&place.0.join("journal")).unwrap();
    assert!(journal.entries().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(&place.0).unwrap().count(), 2, "this one left nothing else");
}

#[test]
fn a_file_that_is_no_journal_is_left_as_it_is() {
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
    Journal::open(&place.0).unwrap().put([&Entry::new(request(), ERASE)]).unwrap();
    let whole = std::fs::read(&place.0).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 97) {
        std::fs::write(&place.0, &whole[..length]).unwrap();
        owner_only();
        assert!(Journal::open(&place.0).is_err(), "cut off at {length}");
    }
}

/// A disk that remembers what was done to it.
#[derive(Clone, Debug, Default)]
struct Disk {
    deeds: Arc<Mutex<Vec<Deed>>>,
    full: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
enum Deed {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// What is on a disk after these deeds.
fn image<'d>(deeds: impl IntoIterator<Item = &'d Deed>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Write(offset, data) => {
                let begin = *offset as usize;
                let end = begin + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[begin..end].copy_from_slice(data);
            }
            Deed::Length(length) => bytes.resize(*length as usize, 0),
            Deed::Sync => {}
        }
    }
    bytes
}

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        Self { deeds: Arc::new(Mutex::new(vec![Deed::Write(0, bytes)])), ..Self::default() }
    }

    fn deeds(&self) -> Vec<Deed> {
        self.deeds.lock().unwrap().clone()
    }

    fn journal(&self) -> Result<Journal, JournalError> {
        let memory = InMemoryBackend::new();
        let bytes = image(&self.deeds());
        memory.set_len(bytes.len() as u64).unwrap();
        memory.write(0, &bytes).unwrap();
        let backend = Remembering { memory, disk: self.clone() };
        Journal::on(Database::builder().create_with_backend(backend).map_err(not_opened)?)
    }
}

#[derive(Debug)]
struct Remembering {
    memory: InMemoryBackend,
    disk: Disk,
}

impl Remembering {
    fn remember(&self, deed: Deed) -> io::Result<()> {
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.deeds.lock().unwrap().push(deed);
        Ok(())
    }
}

impl StorageBackend for Remembering {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.remember(Deed::Length(length))?;
        self.memory.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.remember(Deed::Sync)?;
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.remember(Deed::Write(offset, data.to_vec()))?;
        self.memory.write(offset, data)
    }
}

#[test]
fn whenever_the_machine_dies_the_journal_is_as_the_last_put_that_returned_left_it_or_the_next() {
    let disk = Disk::default();
    drop(disk.journal().unwrap());
    let born = disk.deeds().len();
    let journal = disk.journal().unwrap();
    // How an entry stands after each put, and how many deeds had been done when that returned.
    let mut entry = Entry::new(request(), ERASE);
    let mut puts = vec![(None, born)];
    for turn in 0..12 {
        entry.begins(turn);
        entry.answered(pending(&"t".repeat(1 + 500 * turn as usize)), turn);
        journal.put([&entry]).unwrap();
        puts.push((Some(entry.clone()), disk.deeds().len()));
    }
    drop(journal);
    let deeds = disk.deeds();
    let mut lot = SmallRng::seed_from_u64(1);
    for dead in born..=deeds.len() {
        let synced = deeds[..dead].iter().rposition(|deed| matches!(deed, Deed::Sync)).unwrap();
        let mut deaths = vec![image(&deeds[..dead])];
        // A write that was under way has happened in part.
        if let Some(Deed::Write(offset, data)) = deeds.get(dead) {
            let torn = Deed::Write(*offset, data[..lot.random_range(0..=data.len())].to_vec());
            deaths.push(image(deeds[..dead].iter().chain([&torn])));
        }
        // Without power, what was not synced may have happened or not, each by itself.
        let (kept, open) = (&deeds[..=synced], &deeds[synced + 1..dead]);
        for _ in 0..4 {
            deaths.push(image(kept.iter().chain(open.iter().filter(|_| lot.random()))));
        }
        let (before, _) = puts.iter().rposition(|(_, done)| *done <= dead).map(|put| &puts[put]).unwrap();
        let after = puts.iter().find(|(_, done)| *done > dead).map(|(entry, _)| entry);
        for death in deaths {
            let found = Disk::of(death).journal().unwrap_or_else(|error| panic!("deed {dead}: {error}"));
            let found = found.get(&entry.id()).unwrap();
            assert!(found == *before || Some(&found) == after, "deed {dead}: {found:?}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_costs_nothing_that_was_kept() {
    let disk = Disk::default();
    let journal = disk.journal().unwrap();
    let mut entry = Entry::new(request(), ERASE);
    journal.put([&entry]).unwrap();
    let kept = entry.clone();
    disk.full.store(true, Ordering::SeqCst);
    entry.answered(pending(&"t".repeat(100_000)), 1);
    assert!(matches!(journal.put([&entry]), Err(JournalError::Storage(_))));
    drop(journal);
    let journal = Disk::of(image(&disk.deeds())).journal().unwrap();
    assert_eq!(journal.get(&entry.id()).unwrap(), Some(kept));
    journal.put([&entry]).unwrap();
}

#[cfg(unix)]
#[test]
fn a_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("owner");
    drop(Journal::open(&place.0).unwrap());
    assert_eq!(place.0.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Journal::open(&place.0), Err(JournalError::Exposed)));
}
