//! Where and of what these measurements are.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use host_test::performance::Machine;

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
        // What stands behind the number is the builder's own.
        system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim().split('-').next().unwrap_or_default()),
    }
}

/// The present day and minute, in UTC.
pub fn date() -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    time::OffsetDateTime::now_utc().format(&format).unwrap_or_default()
}

/// How many tasks kept this machine busy in the last minute.
pub fn load() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// The commit that is checked out, with a `+` if anything was changed since.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    // The page itself is drawn between two measurements.
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)docs/performance"]);
    if changed.is_some_and(|changed| !changed.is_empty()) { commit + "+" } else { commit }
}

/// A thousand requests at once have some thousand connections; children inherit what is allowed.
pub fn allow_many_files() {
    // Where it may not be raised, a smaller crowd has to do; the system says so when it comes to that.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}
