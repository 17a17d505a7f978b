//! A report's documents, on disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use host_test::clock::Clock;
use host_test::host::Instance;
use host_test::host::contract::{Content, Document, Remedy, Report};

use super::exit::Exit;
use super::json;
use super::trouble::Trouble;

const RECEIPT: &str = "receipt.json";

/// The pieces in which a remote document is read, in bytes.
const PIECE: u32 = 64 * 1024;

/// How often in a row a piece is asked for again.
const ATTEMPTS: u32 = 5;

/// Fails if there is anything at this path: nothing is ever overwritten.
pub(super) fn must_not_exist(directory: &Path) -> Result<(), Trouble> {
    match directory.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(Trouble::usage(format!("{} exists already", directory.display()))),
    }
}

/// Writes the documents and the receipt into a directory that is for the owner's eyes only. All or nothing: until everything
/// is on disk, the directory is as it was. One that is there already was written by an earlier run of the same request.
pub(super) async fn save(
    instance: &mut Instance,
    clock: &Clock,
    report: &Report,
    directory: &Path,
) -> Result<(), Trouble> {
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let part = parent.join(format!(".{name}.part"));
    let failed = |error: io::Error| not_written(directory, &error);
    // Left over by a run that died.
    remove(&part).map_err(failed)?;
    owner_only().create(&part).map_err(failed)?;
    let saved = async {
        write_all(instance, clock, report, &part).await?;
        sync(&part)
            .and_then(|()| remove(directory))
            .and_then(|()| std::fs::rename(&part, directory))
            .map_err(failed)?;
        sync(parent).map_err(failed)
    };
    let saved = saved.await;
    if saved.is_err() {
        // What cannot be removed either is in a directory that only its owner can read.
        let _ = remove(&part);
    }
    saved
}

/// Writes a file that is there as a whole, or as it was.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = parent.join(format!(".{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, path))
        .and_then(|()| sync(parent));
    written.map_err(|error| not_written(path, &error))
}

/// Makes a directory, for the owner's eyes only, unless there is one.
pub(super) fn make(directory: &Path) -> Result<(), Trouble> {
    match owner_only().create(directory) {
        Err(error) if !directory.is_dir() => Err(not_written(directory, &error)),
        _ => Ok(()),
    }
}

fn remove(directory: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// What is in a directory outlasts a crash of the machine once the directory itself is on disk.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(directory)?.sync_all();
    #[cfg(not(unix))]
    Ok(())
}

async fn write_all(instance: &mut Instance, clock: &Clock, report: &Report, directory: &Path) -> Result<(), Trouble> {
    for document in &report.documents {
        write(instance, clock, document, directory).await?;
    }
    let receipt = serde_json::to_vec_pretty(&json::Receipt::from(&report.receipt)).unwrap_or_default();
    let mut file = create(directory, RECEIPT)?;
    file.write_all(&receipt).and_then(|()| file.sync_all()).map_err(|error| not_written(directory, &error))
}

async fn write(instance: &mut Instance, clock: &Clock, document: &Document, directory: &Path) -> Result<(), Trouble> {
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
        match instance.read(reference, offset, PIECE).await? {
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
                    Remedy::Retry(pause) if attempts < ATTEMPTS => {
                        tokio::time::sleep(clock.in_real_time(Duration::from_millis(pause))).await;
                    }
                    _ => return Err(error.into()),
                }
            }
        }
    }
}

/// A connector promises names that are safe; a host does not rely on it.
fn create(directory: &Path, name: &str) -> Result<File, Trouble> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._- ".contains(&byte);
    if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(safe) {
        return Err(Trouble::own(Exit::Error, "the connector named a document in a way that is not safe to write"));
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

fn not_written(directory: &Path, error: &io::Error) -> Trouble {
    Trouble::own(Exit::Error, format!("{} cannot be written: {error}", directory.display()))
}
