//! The command line: its output, its files, and its exit codes.

#![cfg(unix)]

mod connection;
mod evidence;
mod help;
mod schema;
mod state;
mod streams;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Endpoint, Fault, FaultRule, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET,
    SAMPLE_PERSON, SAMPLE_STAFF, Simulator, WaitHint,
};
use serde_json::Value;
use simulated_clock::Clock;

const SECRET: &str = "CONNECTOR_CLIENT_SECRET";

/// A simulator whose jobs complete immediately, so that no test waits.
async fn simulator() -> Simulator {
    simulator_with(Clock::system()).await
}

/// The factor and the start of an accelerated clock, for commands that wait.
static ACCELERATED: LazyLock<(u32, u64)> =
    LazyLock::new(|| (60, std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()));

/// A simulator for [`waiting`].
async fn accelerated_simulator() -> Simulator {
    let (factor, since) = *ACCELERATED;
    simulator_with(Clock::accelerated(since, factor)).await
}

/// The option with which a command has the clock of an accelerated simulator.
fn accelerated() -> String {
    let (factor, since) = *ACCELERATED;
    format!("--accelerate={factor}@{since}")
}

/// The command with a connection to this accelerated simulator. It waits for the final result.
fn waiting(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = connected(simulator, arguments);
    command.args(["--wait", &accelerated()]);
    command
}

async fn simulator_with(clock: Clock) -> Simulator {
    let options =
        Options { clock, erasure_duration: Duration::ZERO, export_duration: Duration::ZERO, ..Options::default() };
    Simulator::start(Brand::sample(), options).await.unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privacy"));
    // The commands of all tests compile the component once.
    command.args(arguments).env_remove(SECRET).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    HOME.with(|home| {
        command.env("XDG_STATE_HOME", home.0.join("state")).env("XDG_CONFIG_HOME", home.0.join("configuration"));
    });
    command
}

thread_local! {
    /// The directory for state and configuration of the commands of one test: each test has a thread of its own.
    static HOME: ScratchPath = ScratchPath::new(&format!("home-{:?}", std::thread::current().id()));
}

/// The state directory of this test.
fn state_directory() -> PathBuf {
    HOME.with(|home| home.0.join("state/privacy/requests"))
}

/// The line of a text that is a command, as an operator would copy it.
fn printed_command(printed: &str) -> &str {
    printed.lines().map(str::trim).find(|line| line.starts_with("privacy ")).unwrap_or_else(|| panic!("{printed}"))
}

/// Pastes a line into a shell, in an environment like that of the command which printed it.
fn pasted(line: &str) -> Command {
    let mut shell = command(&[]);
    let environment: Vec<_> =
        shell.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_privacy")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    shell = Command::new("sh");
    shell.args(["-c", line]).envs(environment).env("PATH", path).env(SECRET, SAMPLE_CLIENT_SECRET);
    shell
}

/// The command with a connection to this simulator.
fn connected(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    let origin = simulator.origin();
    command.args(["--base-url", &origin, "--datacenter-id", "fra1", "--client-id", SAMPLE_CLIENT_ID]);
    command.env(SECRET, SAMPLE_CLIENT_SECRET);
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// An unused path, which is removed on drop.
struct ScratchPath(PathBuf);

impl ScratchPath {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("privacy-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn argument(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for ScratchPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_manifest_needs_no_connection() {
    let described = output(command(&["describe", "--json"])).await;
    assert_eq!(code(&described), 0);
    let manifest = json(&described);
    let manifest = &manifest["manifest"];
    assert_eq!(manifest["name"], "qualtrics");
    assert_eq!(manifest["egress"][0], "https://*.qualtrics.com");
    let secrets = manifest["settings"].as_array().unwrap().iter().filter(|field| field["kind"] == "secret");
    assert_eq!(secrets.map(|field| field["key"].as_str().unwrap()).collect::<Vec<_>>(), ["client-secret"]);
}

#[tokio::test]
async fn machine_code_is_kept_for_the_next_command_where_the_system_permits_it() {
    let cache = ScratchPath::new("cache");
    for directory in [cache.argument(), cache.argument(), "/dev/null"] {
        let mut command = command(&["describe"]);
        command.env("XDG_CACHE_HOME", directory);
        let described = output(command).await;
        assert_eq!((code(&described), &*described.stderr), (0, &b""[..]), "{directory}");
    }
    let directory = cache.0.join("privacy");
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((files.len(), mode(&files[0]), mode(&directory)), (1, 0o400, 0o700));
}

#[tokio::test]
async fn check_verifies_a_valid_connection() {
    let simulator = simulator().await;
    let checked = output(connected(&simulator, &["check", "--json"])).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked));
    assert_eq!(json(&checked)["connection"]["granted"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_wrong_secret_is_an_error_with_advice_and_is_not_printed() {
    let simulator = simulator().await;
    let mut wrong = connected(&simulator, &["check"]);
    wrong.env(SECRET, "wrong-horse");
    let checked = output(wrong).await;
    assert_eq!(code(&checked), 1);
    assert!(text(&checked).starts_with("unauthorized: "), "{}", text(&checked));
    assert!(text(&checked).contains("What to do: "));
    assert!(!text(&checked).contains("wrong-horse"));
}

#[tokio::test]
async fn a_request_is_polled_by_its_ticket_and_saved_for_its_owner_only() {
    let simulator = simulator().await;
    let started = output(connected(&simulator, &["access", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--json"])).await;
    assert_eq!(code(&started), 3, "{}", text(&started));
    let pending = json(&started);
    assert_eq!(pending["request-id"], "dsr-1");
    assert_eq!(pending["pending"]["stage"], "exporting");

    let scratch = ScratchPath::new("documents");
    let ticket = pending["pending"]["ticket"].as_str().unwrap();
    let arguments =
        ["poll", "--ticket", ticket, "--email", SAMPLE_PERSON, "--id", "dsr-1", "--json", "--out", scratch.argument()];
    let done = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&done), 0, "{}", text(&done));
    let done = json(&done);
    assert_eq!(done["polled-ticket"], ticket);
    let report = &done["done"];
    assert_eq!(report["outcome"], "found");

    assert_eq!(mode(&scratch.0), 0o700);
    let documents = report["documents"].as_array().unwrap();
    assert!(!documents.is_empty());
    for document in documents {
        let file = scratch.0.join(document["name"].as_str().unwrap());
        assert_eq!(mode(&file), 0o600);
        let size = file.metadata().unwrap().len();
        assert!(document["size"].is_null() || document["size"] == size, "{document}");
    }
    let receipt = std::fs::read(scratch.0.join("receipt.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&receipt).unwrap(), report["receipt"]);
    assert!(!String::from_utf8(receipt).unwrap().contains(SAMPLE_PERSON));

    let again = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&again), 2);
    assert!(text(&again).contains("exists already"));
}

#[tokio::test]
async fn output_before_a_report_holds_no_personal_data() {
    let simulator = simulator().await;
    let arguments = ["delete", "--mode", "preview", "--email", SAMPLE_PERSON, "--verbose"];
    let started = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&started), 3, "{}", text(&started));
    let printed = text(&started);
    assert!(printed.contains("DEBUG"), "the log is on: {printed}");
    assert!(printed.contains("privacy resume cli-"), "{printed}");
    let person = SAMPLE_PERSON.split('@').next().unwrap();
    assert!(!printed.contains(person) && !printed.contains(SAMPLE_CLIENT_SECRET), "{printed}");
}

#[tokio::test]
async fn a_guarded_deletion_is_refused() {
    let simulator = simulator().await;
    let before = simulator.erasures().len();
    let refused = output(connected(&simulator, &["delete", "--mode", "erase", "--email", SAMPLE_ADMINISTRATOR])).await;
    assert_eq!(code(&refused), 4, "{}", text(&refused));
    assert_eq!(simulator.erasures().len(), before);
}

#[tokio::test]
async fn an_opt_out_requires_a_client_that_may_update_contacts() {
    let simulator = simulator().await;
    let arguments = ["opt-out", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--wait", "--json"];
    let refused = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&refused), 1, "{}", text(&refused));
    assert_eq!(json(&refused)["error"]["problems"][0]["target"], "manage:directory_contacts");
    simulator.with_brand(|brand| {
        for client in &mut brand.clients {
            client.scopes.push("manage:directory_contacts".to_owned());
        }
    });
    let done = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&done), 0, "{}", text(&done));
    assert_eq!(simulator.holdings(SAMPLE_PERSON).opted_out, 2);
}

#[tokio::test]
async fn usage_errors_are_json_with_the_option_json() {
    let failed =
        output(command(&["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--json", "--out", "/"])).await;
    assert_eq!(code(&failed), 2, "{}", text(&failed));
    assert_eq!(json(&failed)["failure"]["kind"], "usage");
}

#[tokio::test]
async fn incomplete_arguments_are_usage_errors() {
    let simulator = simulator().await;
    for arguments in [
        &["delete", "--email", SAMPLE_PERSON][..],
        &["delete", "--mode", "erase", "--id", "dsr-1"],
        &["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--last-attempt-at", "1"],
        &["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--start-anyway"],
        &["batch", "requests.csv"],
        &["poll", "--ticket", "t1.A.A", "--email", SAMPLE_PERSON],
    ] {
        assert_eq!(code(&output(connected(&simulator, arguments)).await), 2);
    }
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn an_unreachable_vendor_is_a_temporary_error() {
    let simulator = simulator().await;
    let command = connected(&simulator, &["check"]);
    drop(simulator);
    let checked = output(command).await;
    assert_eq!(code(&checked), 7, "{}", text(&checked));
    assert!(text(&checked).contains("run the same command again in"), "{}", text(&checked));
}

#[tokio::test]
async fn the_component_is_written_to_a_new_file_only() {
    let scratch = ScratchPath::new("component");
    std::fs::create_dir(&scratch.0).unwrap();
    let file = scratch.0.join("qualtrics.wasm");
    let arguments = ["component", "--out", file.to_str().unwrap()];
    assert_eq!(code(&output(command(&arguments)).await), 0);
    assert_eq!(std::fs::read(&file).unwrap(), CONNECTOR);
    assert_eq!(code(&output(command(&arguments)).await), 2);
}

#[tokio::test]
async fn the_simulator_serves_the_connection_that_it_prints() {
    let mut simulate = command(&["simulate", "--port", "0"]);
    simulate.stdout(Stdio::piped());
    let (checked, end) = tokio::task::spawn_blocking(move || {
        let mut child = simulate.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let printed: Vec<_> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
        let value_after = |option: &str| {
            let mut words = printed.iter().flat_map(|line| line.split_whitespace());
            words.find(|word| *word == option).unwrap();
            words.next().unwrap().to_owned()
        };
        let mut check = command(&["check", "--base-url", &value_after("--base-url"), "--datacenter-id", "fra1"]);
        check.args(["--client-id", &value_after("--client-id")]).env(SECRET, SAMPLE_CLIENT_SECRET);
        assert!(printed.iter().any(|line| line.contains(&format!("{SECRET}='{SAMPLE_CLIENT_SECRET}'"))));
        let checked = check.output().unwrap();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        (checked, child.wait().unwrap())
    })
    .await
    .unwrap();
    assert_eq!(code(&checked), 0, "{}", text(&checked));
    assert_eq!(end.code(), Some(0));
}

#[tokio::test]
async fn the_simulator_prints_the_origin_of_its_control_api_in_one_line() {
    let mut simulate = command(&["simulate", "--control", "0"]);
    simulate.stdout(Stdio::piped());
    let (printed, created, end) = tokio::task::spawn_blocking(move || {
        let mut child = simulate.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let printed: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        let address = printed["control"].as_str().unwrap().strip_prefix("http://").unwrap();
        let mut control = TcpStream::connect(address).unwrap();
        control.write_all(b"POST /scenarios HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        let created = BufReader::new(control).lines().next().unwrap().unwrap();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let end = child.wait().unwrap();
        assert_eq!(lines.next(), None, "the simulator prints one line");
        (printed, created, end)
    })
    .await
    .unwrap();
    assert_eq!(created, "HTTP/1.1 201 Created", "{printed}");
    assert_eq!(end.code(), Some(0));
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_an_error_before_anything_is_started() {
    let simulator = simulator().await;
    let arguments = ["access", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--wait", "--out", "/dev/null/documents"];
    let refused = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&refused), 2, "{}", text(&refused));
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_refusal_names_the_option_that_overrides_the_guard_if_there_is_one() {
    let simulator = simulator().await;
    let delete =
        |address: &str, id: &str| connected(&simulator, &["delete", "--mode", "erase", "--email", address, "--id", id]);
    let own = output(delete(SAMPLE_ADMINISTRATOR, "dsr-1")).await;
    assert!(!text(&own).contains("--override"), "{}", text(&own));
    let staff = output(delete(SAMPLE_STAFF, "dsr-2")).await;
    assert_eq!(code(&staff), 4, "{}", text(&staff));
    assert!(text(&staff).contains("`--id dsr-2 --override staff-account`"), "{}", text(&staff));
}
