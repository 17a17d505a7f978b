//! Clients in other languages, each in its own process: a plain client in Python, and the component in the Python host and the
//! Node host of this repository. The hosts load the guarded component.
//!
//! The programs are in `clients/`. They read commands and write results, each as one line of JSON. A result contains the elapsed
//! time and the processor time of the program.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use qualtrics_component::GUARDED;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::brand::DATA_SUBJECT;
use crate::client::Client;
use crate::connection::Connection;
use crate::meter::Sample;
use crate::results::output_directory;
use crate::results::{Flow, Reuse, Streamed};

/// A program that serves requests. It ends when this value is dropped.
pub struct ExternalClient {
    name: &'static str,
    kind: Kind,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    selected: Option<(Connection, Reuse)>,
}

enum Kind {
    Plain,
    /// A host of the component. The component uses the system clock and keeps to the rate limits of Qualtrics. A reused instance
    /// serves this number of further requests without delay.
    Host {
        remaining: u32,
    },
}

#[derive(Deserialize)]
struct CommandResult {
    wall_s: f64,
    cpu_s: f64,
    bytes: u64,
}

/// All external clients that can be set up on this machine. Prints a message for each of the others.
pub fn clients() -> Vec<Box<dyn Client>> {
    let plain = python().map(|python| {
        ExternalClient::start("python-client", Kind::Plain, Command::new(python), &[Path::new("python_client.py")])
    });
    let all = plain.into_iter().chain(hosts());
    all.map(|client| Box::new(client) as Box<dyn Client>).collect()
}

/// The external clients that run the component.
pub fn hosts() -> Vec<ExternalClient> {
    let component = output_directory().join("qualtrics-guarded.wasm");
    fs::create_dir_all(output_directory()).expect("failed to create the output directory");
    fs::write(&component, GUARDED).expect("failed to write the component");
    let python = python().map(|python| {
        let mut command = Command::new(python);
        command.env("PYTHONPATH", host_directory("python"));
        let arguments = [Path::new("python_host.py"), &component];
        ExternalClient::start("python-host", Kind::Host { remaining: 0 }, command, &arguments)
    });
    let node = node(&component).map(|platform| {
        let arguments = [Path::new("node_host.mjs"), &platform];
        ExternalClient::start("node-host", Kind::Host { remaining: 0 }, Command::new("node"), &arguments)
    });
    python.into_iter().chain(node).collect()
}

/// Sets up a virtual environment with the requirements of the Python client and the Python host, and returns its interpreter.
fn python() -> Option<PathBuf> {
    const NAME: &str = "the Python clients";
    let environment = output_directory().join("python");
    let python = environment.join("bin/python");
    let requirements =
        [clients_directory().join("requirements.txt"), host_directory("python").join("requirements.txt")];
    let marker = environment.join(hash_of(&requirements));
    if !marker.exists() {
        fs::create_dir_all(output_directory()).expect("failed to create the output directory");
        set_up(NAME, Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        for file in &requirements {
            install.arg("--requirement").arg(file);
        }
        set_up(NAME, &mut install)?;
        fs::write(&marker, "").expect("failed to write the marker file");
    }
    Some(python)
}

/// Sets up a directory with a copy of the Node host, its packages, and the component as JavaScript.
fn node(component: &Path) -> Option<PathBuf> {
    const NAME: &str = "the Node host";
    const COPIED: [&str; 10] = [
        "package.json",
        "package-lock.json",
        ".npmrc",
        "connector.js",
        "entry.js",
        "errors.js",
        "follow.js",
        "rules.js",
        "thread.js",
        "worker.js",
    ];
    let directory = output_directory().join("node");
    let files = COPIED.map(|file| host_directory("node").join(file));
    let marker = directory.join(hash_of(files.iter().map(PathBuf::as_path).chain([component])));
    if !marker.exists() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("failed to create the directory of the Node host");
        for (file, name) in files.iter().zip(COPIED) {
            fs::copy(file, directory.join(name)).expect("failed to copy the Node host");
        }
        let npm = ["ci", "--no-audit", "--no-fund", "--silent"];
        set_up(NAME, Command::new("npm").args(npm).current_dir(&directory))?;
        let mut transpile = Command::new(directory.join("node_modules/.bin/jco"));
        transpile.arg("transpile").arg(component);
        transpile.args(["--instantiation", "sync", "--name", "qualtrics", "--quiet", "-o", "plugin"]);
        set_up(NAME, transpile.current_dir(&directory))?;
        fs::write(&marker, "").expect("failed to write the marker file");
    }
    Some(directory)
}

/// A hash of the contents of these files, in hexadecimal.
fn hash_of(files: impl IntoIterator<Item = impl AsRef<Path>>) -> String {
    let mut hash = Sha256::new();
    for file in files {
        let file = file.as_ref();
        hash.update(fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Runs a command of a set-up. Prints a message if it fails.
fn set_up(client: &str, command: &mut Command) -> Option<()> {
    let problem = match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => return Some(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    println!("Skipped {client}: {}: {problem}", command.get_program().display());
    None
}

fn clients_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// The directory of the host in this language.
fn host_directory(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(language)
}

impl ExternalClient {
    fn start(name: &'static str, kind: Kind, mut command: Command, arguments: &[&Path]) -> Self {
        command.current_dir(clients_directory()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let input = process.stdin.take().expect("the input of the client is not piped");
        let output = BufReader::new(process.stdout.take().expect("the output of the client is not piped"));
        Self { name, kind, process, input, output, selected: None }
    }

    /// Measures an access request of the data subject, with the whole export.
    pub fn stream(&mut self, connection: &Connection) -> Streamed {
        self.select_brand(connection, Reuse::Fresh);
        let CommandResult { wall_s, cpu_s, bytes } = self.run("stream");
        Streamed::new(self.name, bytes, wall_s, cpu_s)
    }

    /// Drops the connection, and sets whether the next one is reused.
    fn reset(&mut self, reuse: Reuse) {
        self.run(reuse.name());
        if let Kind::Host { remaining } = &mut self.kind {
            *remaining = 0;
        }
    }

    fn run(&mut self, command: &str) -> CommandResult {
        let (connection, _) = self.selected.as_ref().expect("no brand is selected");
        let command = json!({
            "command": command, "email": DATA_SUBJECT, "origin": connection.origin,
            "client-id": connection.client_id, "client-secret": connection.client_secret,
        });
        writeln!(self.input, "{command}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error} in {line:?}", self.name))
    }
}

impl Client for ExternalClient {
    fn name(&self) -> &'static str {
        self.name
    }

    fn select_brand(&mut self, connection: &Connection, reuse: Reuse) {
        self.selected = Some((connection.clone(), reuse));
        self.reset(reuse);
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        if matches!((&self.kind, &self.selected), (Kind::Host { remaining: 0 }, Some((_, Reuse::Kept)))) {
            self.reset(Reuse::Kept);
            // A request that is not measured gets the access token and fills the caches.
            let first = if flow == Flow::Access { Flow::Access } else { Flow::Preview };
            self.run(first.name());
            self.kind = Kind::Host { remaining: requests_per_instance(flow) };
        }
        if let Kind::Host { remaining } = &mut self.kind {
            *remaining = remaining.saturating_sub(1);
        }
        let CommandResult { wall_s, cpu_s, .. } = self.run(flow.name());
        Sample { wall: Duration::from_secs_f64(wall_s), cpu: Duration::from_secs_f64(cpu_s) }
    }
}

/// The number of requests that an instance serves after the first without waiting for the rate limits: 20 erasures per minute can
/// be created, and 20 read; 100 customer data requests.
fn requests_per_instance(flow: Flow) -> u32 {
    match flow {
        Flow::Access => 30,
        Flow::Preview | Flow::Erase => 15,
        Flow::EraseAndVerify => 4,
    }
}

impl Drop for ExternalClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
