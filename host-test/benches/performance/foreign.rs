//! Contestants that are programs of their own: a plain client in Python, and the component in Python and in Node, in the hosts
//! of this repository that a platform would copy, and with the file that is made for them, guard and all.
//!
//! The programs in `benches/clients/` read a line of JSON for each errand, and answer with a line: how long it took, by
//! their own clock, and how much processor time of their own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use host_test::GUARDED;
use host_test::performance::{Flow, Streamed, Way};
use serde::Deserialize;
use serde_json::json;

use crate::brand::{Connection, PERSON};
use crate::directory;
use crate::meter::Sample;
use crate::requests::Contestant;
use crate::streaming::streamed;

/// A program that serves requests, until it is dropped.
pub struct Foreign {
    name: &'static str,
    kind: Kind,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    turned_to: Option<(Connection, Way)>,
}

/// What a program runs.
enum Kind {
    Client,
    /// The component, which goes by the machine's clock and by Qualtrics' limits. Kept, it may serve so many requests more
    /// before it would have to wait.
    Host {
        left: u32,
    },
}

#[derive(Deserialize)]
struct Answer {
    wall_s: f64,
    cpu_s: f64,
    bytes: u64,
}

/// All that can be set up here. What cannot is named, and left out.
pub fn contestants() -> Vec<Box<dyn Contestant>> {
    let client = python().map(|python| {
        Foreign::start("python-client", Kind::Client, Command::new(python), &[Path::new("python_client.py")])
    });
    let all = client.into_iter().chain(hosts());
    all.map(|foreign| Box::new(foreign) as Box<dyn Contestant>).collect()
}

/// Those that run the component.
pub fn hosts() -> Vec<Foreign> {
    let component = directory().join("qualtrics-guarded.wasm");
    std::fs::create_dir_all(directory()).expect("a directory");
    std::fs::write(&component, GUARDED).expect("the component is written");
    let python = python().map(|python| {
        let mut program = Command::new(python);
        program.env("PYTHONPATH", host("python"));
        Foreign::start("python-host", Kind::Host { left: 0 }, program, &[Path::new("python_host.py"), &component])
    });
    let node = node(&component).map(|platform| {
        let arguments = [Path::new("node_host.mjs"), &platform];
        Foreign::start("node-host", Kind::Host { left: 0 }, Command::new("node"), &arguments)
    });
    python.into_iter().chain(node).collect()
}

/// An interpreter that has what the client and the host in Python ask for, in an environment of its own.
fn python() -> Option<PathBuf> {
    let environment = directory().join("python");
    let python = environment.join("bin/python");
    let requirements = [clients().join("requirements.txt"), host("python").join("requirements.txt")];
    let made = environment.join(stamp(&requirements));
    if !made.exists() {
        std::fs::create_dir_all(directory()).expect("a directory");
        run("the Python contestants", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        for file in &requirements {
            install.arg("--requirement").arg(file);
        }
        run("the Python contestants", &mut install)?;
        std::fs::write(&made, "").expect("a note that it is there");
    }
    Some(python)
}

/// A platform in Node: the host, copied as its README says, the packages that it names, and the component as JavaScript.
fn node(component: &Path) -> Option<PathBuf> {
    const NAME: &str = "the Node contestant";
    const COPIED: [&str; 5] = ["package.json", "package-lock.json", ".npmrc", "connector.js", "instance.js"];
    let place = directory().join("node");
    let files = COPIED.map(|file| host("node").join(file));
    let made = place.join(stamp(files.iter().map(PathBuf::as_path).chain([component])));
    if !made.exists() {
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place).expect("a directory");
        for (file, name) in files.iter().zip(COPIED) {
            std::fs::copy(file, place.join(name)).expect("the host is copied");
        }
        let npm = ["ci", "--no-audit", "--no-fund", "--silent"];
        run(NAME, Command::new("npm").args(npm).current_dir(&place))?;
        let mut transpile = Command::new(place.join("node_modules/.bin/jco"));
        transpile.arg("transpile").arg(component);
        transpile.args(["--instantiation", "sync", "--name", "qualtrics", "--quiet", "-o", "plugin"]);
        run(NAME, transpile.current_dir(&place))?;
        std::fs::write(&made, "").expect("a note that it is there");
    }
    Some(place)
}

/// A name for what these files hold.
fn stamp(files: impl IntoIterator<Item = impl AsRef<Path>>) -> String {
    use sha2::{Digest, Sha256};

    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(file).expect("a file of this package"));
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

/// Where the host in this language is.
fn host(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(language)
}

impl Foreign {
    fn start(name: &'static str, kind: Kind, mut program: Command, arguments: &[&Path]) -> Self {
        program.current_dir(clients()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = program.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let to = process.stdin.take().expect("its input");
        let from = BufReader::new(process.stdout.take().expect("its output"));
        Self { name, kind, process, to, from, turned_to: None }
    }

    /// Lets it read the export of the brand's person to its end.
    pub fn stream(&mut self, connection: &Connection) -> Streamed {
        self.turn_to(connection, Way::Fresh);
        let Answer { wall_s, cpu_s, bytes } = self.errand("stream");
        streamed(self.name, bytes, wall_s, cpu_s, Vec::new())
    }

    /// Lets it forget what it kept, and from now on keep its connection, or not.
    fn begin(&mut self, way: Way) {
        self.errand(way.name());
        if let Kind::Host { left } = &mut self.kind {
            *left = 0;
        }
    }

    fn errand(&mut self, errand: &str) -> Answer {
        let (connection, _) = self.turned_to.as_ref().expect("a brand");
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

    fn turn_to(&mut self, connection: &Connection, way: Way) {
        self.turned_to = Some((connection.clone(), way));
        self.begin(way);
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        if matches!((&self.kind, &self.turned_to), (Kind::Host { left: 0 }, Some((_, Way::Kept)))) {
            self.begin(Way::Kept);
            // It signs in, and reads what it keeps.
            let first = if flow == Flow::Access { Flow::Access } else { Flow::Preview };
            self.errand(first.name());
            self.kind = Kind::Host { left: in_a_minute(flow) };
        }
        if let Kind::Host { left } = &mut self.kind {
            *left = left.saturating_sub(1);
        }
        let Answer { wall_s, cpu_s, .. } = self.errand(flow.name());
        Sample { wall: Duration::from_secs_f64(wall_s), cpu: Duration::from_secs_f64(cpu_s) }
    }
}

/// How many requests Qualtrics' limits leave room for, after the first: 20 erasures a minute, and 20 looks at them; of
/// customer data requests 100.
fn in_a_minute(flow: Flow) -> u32 {
    match flow {
        Flow::Access => 30,
        Flow::Preview | Flow::Erase => 15,
        Flow::EraseAndVerify => 4,
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
