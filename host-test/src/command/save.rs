//! A report's documents, on disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

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

/// Writes the documents and the receipt into a new directory, for the owner's eyes only. All or nothing: after an error,
/// the directory is gone.
pub(super) async fn save(instance: &mut Instance, report: &Report, directory: &Path) -> Result<(), Trouble> {
    owner_only().create(directory).map_err(|error| not_written(directory, &error))?;
    let saved = write_all(instance, report, directory).await;
    if saved.is_err() {
        // What cannot be removed either is in a directory that only its owner can read.
        let _ = std::fs::remove_dir_all(directory);
    }
    saved
}

async fn write_all(instance: &mut Instance, report: &Report, directory: &Path) -> Result<(), Trouble> {
    for document in &report.documents {
        write(instance, document, directory).await?;
    }
    let receipt = serde_json::to_vec_pretty(&json::Receipt::from(&report.receipt)).unwrap_or_default();
    let mut file = create(directory, RECEIPT)?;
    file.write_all(&receipt).map_err(|error| not_written(directory, &error))
}

async fn write(instance: &mut Instance, document: &Document, directory: &Path) -> Result<(), Trouble> {
    let mut file = create(directory, &document.name)?;
    let reference = match &document.content {
        Content::Inline(bytes) => return file.write_all(bytes).map_err(|error| not_written(directory, &error)),
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
                    return Ok(());
                }
            }
            Err(error) => {
                attempts += 1;
                match error.remedy {
                    Remedy::Retry(pause) if attempts < ATTEMPTS => {
                        tokio::time::sleep(Duration::from_millis(pause)).await
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
