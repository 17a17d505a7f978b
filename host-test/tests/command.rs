//! The command line: its output, its files, and its exit codes.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Endpoint, Fault, FaultRule, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET,
    SAMPLE_PERSON, Simulator, WaitHint,
};
use serde_json::Value;
use simulated_clock::Clock;

const SECRET: &str = "QUALTRICS_CLIENT_SECRET";

/// A simulator whose jobs complete immediately, so that no test waits.
async fn simulator() -> Simulator {
    let options = Options {
        clock: Clock::system(),
        erasure_duration: Duration::ZERO,
        export_duration: Duration::ZERO,
        ..Options::default()
    };
    Simulator::start(Brand::sample(), options).await.unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-test"));
    // The commands of all tests compile the component once.
    command.args(arguments).env_remove(SECRET).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
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
        let path = std::env::temp_dir().join(format!("host-test-{}-{name}", std::process::id()));
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
async fn a_secret_is_accepted_from_a_file_and_not_from_the_command_line() {
    let simulator = simulator().await;
    let refused = output(connected(&simulator, &["check", "--set", "client-secret=x"])).await;
    assert_eq!(code(&refused), 2);
    assert!(text(&refused).contains("--client-secret-file"));
    assert_eq!(simulator.calls().len(), 0);

    let scratch = ScratchPath::new("secret");
    std::fs::create_dir(&scratch.0).unwrap();
    let file = scratch.0.join("secret");
    std::fs::write(&file, format!("{SAMPLE_CLIENT_SECRET}\n")).unwrap();
    let mut from_file = connected(&simulator, &["check", "--client-secret-file", file.to_str().unwrap()]);
    from_file.env_remove(SECRET);
    assert_eq!(code(&output(from_file).await), 0);
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
    assert!(printed.contains("host-test poll --id cli-"), "{printed}");
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
async fn a_request_that_ended_with_an_error_for_good_is_not_started_again() {
    let simulator = simulator().await;
    let scratch = ScratchPath::new("journal");
    std::fs::create_dir(&scratch.0).unwrap();
    let journal = scratch.0.join("journal");
    let arguments =
        ["delete", "--mode", "erase", "--email", "nobody", "--id", "dsr-1", "--wait", "--json", "--journal"];
    let arguments = [&arguments[..], &[journal.to_str().unwrap()]].concat();
    let first = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&first), 1, "{}", text(&first));
    assert_eq!(json(&first)["error"]["remedy"], "give-up");
    let again = output(connected(&simulator, &arguments)).await;
    assert_eq!((code(&again), json(&again)), (1, json(&first)));
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_lost_deletion_prints_the_attempts_for_the_next_command() {
    let simulator = simulator().await;
    let reset = FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect);
    simulator.set_faults(vec![reset, FaultRule::every(Endpoint::ErasureList, Fault::Status(503, WaitHint::None))]);
    let arguments = ["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--id", "dsr-1"];
    let lost = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&lost), 6, "{}", text(&lost));
    assert!(text(&lost).contains("with `--id dsr-1 --first-attempt-at "), "{}", text(&lost));
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
async fn an_interrupted_wait_prints_how_to_continue() {
    let simulator = simulator().await;
    let mut command = connected(&simulator, &["access", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--wait"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (printed, code) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        let rest: Vec<_> = lines.map(Result::unwrap).collect();
        (format!("{first}\n{}", rest.join("\n")), child.wait().unwrap().code())
    })
    .await
    .unwrap();
    assert_eq!(code, Some(3), "{printed}");
    assert!(printed.starts_with("exporting"), "{printed}");
    assert!(printed.contains("host-test poll --id dsr-1 --ticket t1."), "{printed}");
    assert!(!printed.contains(SAMPLE_PERSON), "{printed}");
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
