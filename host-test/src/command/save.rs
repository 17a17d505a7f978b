//! The documents of a report, on disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy_host::contract::{Content, Document, Remedy, Report};
use privacy_host::{Entry, Instance};
use simulated_clock::Clock;

use super::errors::CommandError;
use super::evidence::EvidenceSource;
use super::exit::Exit;

const RECEIPT: &str = "receipt.json";
const REPORT: &str = "report.json";
const PAGE: &str = "report.html";

/// The bytes that one call of `read` asks for.
const CHUNK_BYTES: u32 = 64 * 1024;

/// The calls in a row that may fail with `retry`, for one chunk.
const MAX_ATTEMPTS: u32 = 5;

/// Fails if the path exists, because nothing is overwritten.
pub(super) fn must_not_exist(directory: &Path) -> Result<(), CommandError> {
    match directory.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(CommandError::usage(format!("{} exists already", directory.display()))),
    }
}

/// Checks that a directory for the files of a request can be created, so that nothing is started otherwise. Creates the directories above it.
pub(super) fn prepare(directory: &Path) -> Result<(), CommandError> {
    must_not_exist(directory)?;
    let prepared = std::fs::create_dir_all(parent_of(directory)).and_then(|()| {
        let part = part_of(directory);
        remove(&part)?;
        owner_only().create(&part)?;
        remove(&part)
    });
    prepared.map_err(|error| CommandError::usage(format!("{} cannot be written: {error}", directory.display())))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where files are written until they are complete.
fn part_of(path: &Path) -> PathBuf {
    parent_of(path).join(format!(".{}.part", path.file_name().unwrap_or_default().to_string_lossy()))
}

/// Writes the documents, the receipt and the report into a directory that only the owner can read. All or nothing: the directory appears, or
/// replaces that of an earlier run of the same request, when everything is on disk.
pub(super) async fn save(
    instance: &mut Instance,
    evidence: &EvidenceSource,
    entry: &Entry,
    report: &Report,
    directory: &Path,
) -> Result<(), CommandError> {
    let (parent, part) = (parent_of(directory), part_of(directory));
    let failed = |error: io::Error| not_written(directory, &error);
    // Left over by a run that was killed.
    remove(&part).map_err(failed)?;
    owner_only().create(&part).map_err(failed)?;
    let saved = async {
        write_all(instance, evidence, entry, report, &part).await?;
        sync(&part)
            .and_then(|()| remove(directory))
            .and_then(|()| std::fs::rename(&part, directory))
            .map_err(failed)?;
        sync(parent).map_err(failed)
    };
    let saved = saved.await;
    if saved.is_err() {
        // If this fails, the files remain in a directory that only its owner can read.
        let _ = remove(&part);
    }
    saved
}

/// Replaces a file as a whole.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let (parent, part) = (parent_of(path), part_of(path));
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, path))
        .and_then(|()| sync(parent));
    written.map_err(|error| not_written(path, &error))
}

/// Creates a directory that only the owner can read, unless it exists, and the directories above it. Fails if no directory can be
/// created in it.
pub(super) fn create_directory(directory: &Path) -> Result<(), CommandError> {
    let failed = |error: io::Error| not_written(directory, &error);
    std::fs::create_dir_all(parent_of(directory)).map_err(failed)?;
    match owner_only().create(directory) {
        Err(error) if !directory.is_dir() => return Err(failed(error)),
        _ => {}
    }
    let probe = directory.join(".probe.part");
    remove(&probe).and_then(|()| owner_only().create(&probe)).and_then(|()| remove(&probe)).map_err(failed)
}

/// Creates a directory and those above it, for the owner alone.
pub(super) fn create_private(directory: &Path) -> io::Result<()> {
    owner_only().recursive(true).create(directory)
}

/// Replaces a file as a whole, for the owner alone.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let failed = |error: io::Error| CommandError::usage(format!("{} cannot be written: {error}", path.display()));
    let directory = parent_of(path);
    create_private(directory).map_err(failed)?;
    let part = path.with_extension(format!("{:016x}.part", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file: File| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&part, path)).map_err(failed)
}

fn remove(directory: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The entries of a directory survive a crash of the machine after the directory itself was written.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(directory)?.sync_all();
    #[cfg(not(unix))]
    Ok(())
}

async fn write_all(
    instance: &mut Instance,
    evidence: &EvidenceSource,
    entry: &Entry,
    report: &Report,
    directory: &Path,
) -> Result<(), CommandError> {
    for document in &report.documents {
        write(instance, evidence.connector.clock(), document, directory).await?;
    }
    let evidence = evidence.of(entry, report).await;
    let receipt = serde_json::to_vec_pretty(&report.receipt).unwrap_or_default();
    for (name, bytes) in [(RECEIPT, receipt), (REPORT, evidence.json()), (PAGE, evidence.html().into_bytes())] {
        let mut file = create(directory, name)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        written.map_err(|error| not_written(directory, &error))?;
    }
    Ok(())
}

async fn write(
    instance: &mut Instance,
    clock: &Clock,
    document: &Document,
    directory: &Path,
) -> Result<(), CommandError> {
    let mut file = create(directory, &document.name)?;
    let reference = match &document.content {
        Content::Inline(bytes) => {
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            return written.map_err(|error| not_written(directory, &error));
        }
        Content::Remote(reference) => reference,
    };
    let (mut offset, mut attempts) = (0, 0);
    loop {
        match instance.read(reference, offset, CHUNK_BYTES).await? {
            Ok(chunk) => {
                file.write_all(&chunk.bytes).map_err(|error| not_written(directory, &error))?;
                offset += chunk.bytes.len() as u64;
                attempts = 0;
                if chunk.last {
                    return file.sync_all().map_err(|error| not_written(directory, &error));
                }
            }
            Err(error) => {
                attempts += 1;
                match error.remedy {
                    Remedy::Retry(pause) if attempts < MAX_ATTEMPTS => {
                        tokio::time::sleep(clock.in_real_time(Duration::from_millis(pause))).await;
                    }
                    _ => return Err(error.into()),
                }
            }
        }
    }
}

/// The contract promises safe names. A host checks them nevertheless.
fn create(directory: &Path, name: &str) -> Result<File, CommandError> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._- ".contains(&byte);
    if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(safe) {
        return Err(CommandError::local(
            Exit::Error,
            "the connector returned a document name that is not safe on a file system",
        ));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(directory.join(name)).map_err(|error| not_written(directory, &error))
}

fn owner_only() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn not_written(directory: &Path, error: &io::Error) -> CommandError {
    CommandError::local(Exit::Error, format!("{} cannot be written: {error}", directory.display()))
}
