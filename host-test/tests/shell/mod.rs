//! Runs the command as a process, against a simulator with an accelerated clock.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use qualtrics_simulator::{Brand, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator};
use simulated_clock::Clock;

/// The acceleration of the simulated clock: a delay of 30 seconds takes half a second.
const FACTOR: u32 = 60;

/// A simulator, and a directory for the output of the command.
pub struct Shell {
    pub simulator: Simulator,
    pub directory: ScratchDirectory,
    accelerate: String,
}

impl Shell {
    pub async fn new(brand: Brand) -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let options = Options {
            clock: Clock::accelerated(since, FACTOR),
            erasure_duration: Duration::from_secs(20),
            export_duration: Duration::from_secs(20),
            ..Options::default()
        };
        let simulator = Simulator::start(brand, options).await.unwrap();
        Self { simulator, directory: ScratchDirectory::new(), accelerate: format!("{FACTOR}@{since}") }
    }

    /// Starts the command with these arguments and a connection to the simulator. It is killed when the test ends.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_privacy"));
        command
            .args(arguments)
            .args(["--base-url", &self.simulator.origin(), "--datacenter-id", "fra1", "--client-id", SAMPLE_CLIENT_ID])
            .args(["--accelerate", &self.accelerate])
            .env("CONNECTOR_CLIENT_SECRET", SAMPLE_CLIENT_SECRET)
            .env("XDG_STATE_HOME", self.directory.path("state"))
            .env("XDG_CONFIG_HOME", self.directory.path("configuration"))
            // The commands of all tests compile the component once.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running(Some(command.spawn().unwrap()))
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.spawn(arguments).end().await
    }
}

/// A running command.
pub struct Running(Option<Child>);

impl Running {
    pub fn has_ended(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        let child = self.0.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        let id = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    pub async fn end(mut self) -> Output {
        let child = self.0.take().unwrap();
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// An empty directory, which is removed on drop.
pub struct ScratchDirectory(PathBuf);

impl ScratchDirectory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("host-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The files of a directory: their names and bytes, sorted.
pub fn files(directory: &str) -> Vec<(String, Vec<u8>)> {
    let entries = Path::new(directory).read_dir().unwrap_or_else(|error| panic!("{directory}: {error}"));
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    let mut files: Vec<_> = entries.map(|entry| read(entry.unwrap().path())).collect();
    files.sort();
    files
}
