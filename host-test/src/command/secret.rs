//! Where a secret comes from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::errors::CommandError;
use super::network::read as read_file;

/// The source of a secret in a profile. The secret itself is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SecretSource {
    /// A file with the secret alone.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command that prints the secret, run by the shell.
    Command(String),
}

/// The secret, without a line break at its end.
///
/// # Errors
/// The source cannot be read. The message names the source, and nothing that it holds.
pub(super) fn read(source: &SecretSource) -> Result<String, CommandError> {
    let bytes = match source {
        SecretSource::File(path) => {
            warn_if_others_can_read(path);
            read_file(path)?
        }
        SecretSource::Variable(name) => std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| CommandError::usage(format!("the variable {name}, which the profile names, is not set")))?
            .into_encoded_bytes(),
        SecretSource::Command(command) => printed_by(command)?,
    };
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| CommandError::usage("the secret is not text in UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn printed_by(command: &str) -> Result<Vec<u8>, CommandError> {
    let failed = |why: String| CommandError::usage(format!("the command of the profile that prints a secret {why}"));
    let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
    let shell = shell
        .arg(if cfg!(windows) { "/C" } else { "-c" })
        .arg(command)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit());
    let output = shell.output().map_err(|error| failed(format!("cannot be run: {error}")))?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(format!("failed: {}", output.status))) }
}

/// Warns of a file with a secret that other users can read.
pub(super) fn warn_if_others_can_read(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map(|metadata| metadata.permissions().mode()).unwrap_or_default();
        if mode & 0o077 != 0 {
            let path = path.display();
            eprintln!("warning: {path} holds a secret, and other users can read it: run `chmod 600 {path}`");
        }
    }
}
