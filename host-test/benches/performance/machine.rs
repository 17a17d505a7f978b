//! The machine, the time and the commit of a run.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::results::Machine;

/// This machine.
pub fn machine() -> Machine {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let kib: u64 = value(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    Machine {
        processor: value(&read("/proc/cpuinfo"), "model name"),
        cores: available_parallelism().map_or(0, |cores| cores.get() as u64),
        memory_mib: kib / 1024,
        // The suffix is specific to the distribution.
        system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim().split('-').next().unwrap_or_default()),
    }
}

/// The current date and minute, in UTC.
pub fn date() -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    time::OffsetDateTime::now_utc().format(&format).unwrap_or_default()
}

/// The load average of the last minute.
pub fn load() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// The commit that is checked out, followed by `+` if the working tree has changes.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changes.is_some_and(|changes| !changes.is_empty()) { commit + "+" } else { commit }
}

/// Raises the limit of open files as far as the system permits: 1,000 concurrent requests need a few thousand connections.
/// Subprocesses inherit the limit.
pub fn raise_open_file_limit() {
    // If the limit is too low, opening a connection fails later with an error that says so.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}
