//! Contestants that are programs of their own, in `benches/clients/`: a plain client in Python, and the component in
//! Python's and Node's hosts.
//!
//! Each reads a line of JSON for each errand, and answers with a line: how long it took, by its own clock, and how much
//! processor time of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use host_test::COMPONENT;
use host_test::performance::{Flow, Streamed};
use serde::Deserialize;
use serde_json::json;

use crate::brand::{Brand, PERSON};
use crate::directory;
use crate::meter::Sample;
use crate::requests::Contestant;
use crate::streaming::streamed;

/// A program that serves requests, until it is dropped.
pub struct Foreign {
    name: &'static str,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    wall_s: f64,
    cpu_s: f64,
    #[serde(default)]
    bytes: u64,
}

/// All that can be set up here. What cannot is named, and left out.
pub fn contestants() -> Vec<Box<dyn Contestant>> {
    let client = python().map(|python| Foreign::start("python-client", &python, &["python_client.py"]));
    let all = client.into_iter().chain(hosts());
    all.map(|foreign| Box::new(foreign) as Box<dyn Contestant>).collect()
}

/// Those that run the component.
pub fn hosts() -> Vec<Foreign> {
    let component = directory().join("qualtrics.wasm");
    std::fs::write(&component, COMPONENT).expect("the component is written");
    let component = component.to_str().expect("a path in UTF-8");
    let python = python().map(|python| Foreign::start("python-host", &python, &["python_host.py", component]));
    let node = node(component).map(|modules| {
        let modules = modules.to_str().expect("a path in UTF-8").to_owned();
        Foreign::start("node-host", Path::new("node"), &["node_host.mjs", &modules])
    });
    python.into_iter().chain(node).collect()
}

/// An interpreter that has what `requirements.txt` asks for, in an environment of its own.
fn python() -> Option<PathBuf> {
    let environment = directory().join("python");
    let python = environment.join("bin/python");
    let requirements = clients().join("requirements.txt");
    let made = environment.join(stamp(&[&requirements]));
    if !made.exists() {
        std::fs::create_dir_all(directory()).expect("a directory");
        run("the Python contestants", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run("the Python contestants", install.arg(&requirements))?;
        std::fs::write(&made, "").expect("a note that it is there");
    }
    Some(python)
}

/// The component as JavaScript, with the packages that it needs beside it.
fn node(component: &str) -> Option<PathBuf> {
    let place = directory().join("node");
    let package = clients().join("package.json");
    let made = place.join(stamp(&[&package, Path::new(component)]));
    if !made.exists() {
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::copy(&package, place.join("package.json")).expect("the packages are named");
        let name = "the Node contestant";
        let npm = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"];
        run(name, Command::new("npm").args(npm).current_dir(&place))?;
        let mut transpile = Command::new(place.join("node_modules/.bin/jco"));
        run(name, transpile.args(["transpile", component, "-o", "connector", "--quiet"]).current_dir(&place))?;
        std::fs::write(&made, "").expect("a note that it is there");
    }
    Some(place)
}

/// A name for what these files hold.
fn stamp(files: &[&Path]) -> String {
    use sha2::{Digest, Sha256};

    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(file).expect("a file of the benches"));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn run(of: &str, command: &mut Command) -> Option<()> {
    let done = command.stdout(Stdio::null()).status();
    match done {
        Ok(status) if status.success() => Some(()),
        other => {
            println!("Without {of}: {:?} ended with {other:?}.", command.get_program());
            None
        }
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/clients")
}

impl Foreign {
    fn start(name: &'static str, program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.current_dir(clients()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let to = process.stdin.take().expect("its input");
        let from = BufReader::new(process.stdout.take().expect("its output"));
        Self { name, process, to, from }
    }

    /// Lets it read the person's export to its end.
    pub fn stream(&mut self, brand: &Brand<'_>) -> Streamed {
        let Answer { wall_s, cpu_s, bytes } = self.errand(brand, "stream");
        streamed(self.name, bytes, wall_s, cpu_s, Vec::new())
    }

    fn errand(&mut self, brand: &Brand<'_>, errand: &str) -> Answer {
        let connection = &brand.connection;
        let errand = json!({
            "errand": errand, "email": PERSON, "origin": connection.origin,
            "client-id": connection.client_id, "client-secret": connection.client_secret,
        });
        writeln!(self.to, "{errand}").expect("it listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error} in {line:?}", self.name))
    }
}

impl Contestant for Foreign {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&mut self, brand: &Brand<'_>, flow: Flow) -> Sample {
        let Answer { wall_s, cpu_s, .. } = self.errand(brand, flow.name());
        Sample { wall: Duration::from_secs_f64(wall_s), cpu: Duration::from_secs_f64(cpu_s) }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
