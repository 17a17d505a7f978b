//! The command `batch`: its input, its results, its journal, and the order of its calls.

#![cfg(unix)]

#[path = "end_to_end/markers.rs"]
mod markers;
mod shell;

use std::os::unix::fs::PermissionsExt;

use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_RESPONDENT, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES, TOKEN_CANARY,
    WaitHint,
};

use host_test::journal::Journal;
use markers::{assert_no_leaks, with_markers};
use shell::{Running, Shell, code, files};

/// A batch, with the paths of its files.
struct Batch {
    shell: Shell,
    paths: [String; 4],
}

impl Batch {
    async fn new(lines: &[&str]) -> Self {
        let shell = Shell::new(with_markers(Brand::sample())).await;
        let paths = ["requests.csv", "journal", "out", "results.csv"].map(|name| shell.directory.path(name));
        let batch = Self { shell, paths };
        batch.write(lines);
        batch
    }

    fn write(&self, lines: &[&str]) {
        let header = "id,right,mode,email,overrides";
        std::fs::write(&self.paths[0], format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    }

    fn spawn(&self) -> Running {
        self.spawn_with(&[])
    }

    fn spawn_with(&self, options: &[&str]) -> Running {
        let [requests, journal, out, results] = &self.paths;
        let arguments = ["batch", requests, "--journal", journal, "--out", out, "--results", results];
        self.shell.spawn(&[&arguments[..], options].concat())
    }

    async fn run(&self) -> (i32, String) {
        let output = self.spawn().end().await;
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        (code(&output), String::from_utf8(text).unwrap())
    }

    /// ID, and outcome or error, of each line of the results.
    fn results(&self) -> Vec<(String, String)> {
        let mut reader = csv::Reader::from_path(&self.paths[3]).unwrap();
        let lines = reader.records().map(|line| {
            let line = line.unwrap();
            (line[0].to_owned(), format!("{}{}", &line[3], &line[4]))
        });
        lines.collect()
    }

    fn erasures_of(&self, address: &str) -> usize {
        let jobs = self.shell.simulator.erasures();
        jobs.iter().filter(|job| !job.search_only && job.emails.iter().any(|email| email == address)).count()
    }

    fn expect(&self, results: &[(&str, &str)]) {
        let results: Vec<_> = results.iter().map(|(id, end)| ((*id).to_owned(), (*end).to_owned())).collect();
        assert_eq!(self.results(), results);
    }
}

#[tokio::test]
async fn every_invalid_line_is_reported_without_its_values_and_nothing_is_started() {
    let good = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let batch = Batch::new(&[
        &good,
        "dsr-2,acces,,ada@example.org,",
        "dsr-1,deletion,,secret.person@example.org,",
        "dsr 4,deletion,erase,not-an-address,",
        "dsr-5,opt-out,erase,,",
        "dsr-6,access",
    ])
    .await;
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2);
    for line in [
        "line 3: right must be access, deletion or opt-out",
        "line 4: id is that of an earlier line; mode must be preview, erase or erase-and-verify",
        "line 5: id must be 1 to 128 of A-Z a-z 0-9 . _ : -; email is not an address",
        "line 6: mode is for deletions; there must be 1 to 64 identifiers",
        "line 7: 2 columns instead of 5",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("secret.person") && !text.contains("line 2"), "{text}");
    assert!(batch.shell.simulator.calls().is_empty());
    assert!(!std::path::Path::new(&batch.paths[1]).exists());
}

#[tokio::test]
async fn each_request_completes_once_and_a_second_run_makes_no_calls() {
    let access = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let deletion = format!("dsr-2,deletion,erase-and-verify,{SAMPLE_RESPONDENT},");
    let both = format!("dsr-3,deletion,erase,{},", SAMPLE_TWO_ADDRESSES.join(";"));
    let batch = Batch::new(&[&access, &deletion, &both]).await;
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("3 requests\n  deleted: 1\n  found: 1\n  verified: 1"), "{text}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "verified"), ("dsr-3", "deleted")]);
    assert!(files(&format!("{}/dsr-1", batch.paths[2])).iter().any(|(name, _)| name == "export-01.json"));
    assert!(files(&format!("{}/dsr-2", batch.paths[2])).iter().any(|(name, _)| name == "receipt.json"));

    batch.shell.simulator.clear_calls();
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    assert!(batch.shell.simulator.calls().is_empty());
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "verified"), ("dsr-3", "deleted")]);
    let journal = std::fs::read(&batch.paths[1]).unwrap();
    let holds = |text: &str| journal.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("dsr-1") && !holds(SAMPLE_CLIENT_SECRET));
    for (path, mode) in [(&batch.paths[1], 0o600), (&batch.paths[2], 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[tokio::test]
async fn csv_files_of_spreadsheets_are_parsed_and_malformed_files_are_rejected() {
    let batch = Batch::new(&[]).await;
    let lines = format!(
        "\u{feff}Id,right,mode,external-id,email\r\n\
         dsr-1,access,,\"no, such \"\"one\"\"\",\"{}; {}\"\r\n\
         \r\n\
         dsr-2 , access , , , {SAMPLE_PERSON}",
        SAMPLE_TWO_ADDRESSES[0], SAMPLE_TWO_ADDRESSES[1],
    );
    std::fs::write(&batch.paths[0], &lines).unwrap();
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2);
    assert!(text.contains("must name its columns"), "{text}");
    std::fs::write(&batch.paths[0], lines.replace("Id,", "id,")).unwrap();
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "found")]);
    let exports = batch.shell.simulator.exports();
    assert!(
        exports
            .iter()
            .any(|export| SAMPLE_TWO_ADDRESSES.iter().all(|one| export.emails.iter().any(|email| email == one)))
    );
    for (bytes, wrong) in [
        (&b"id,right,email\na,access,\xe4@b.c\n"[..], "line 2: not UTF-8"),
        (b"", "must name its columns"),
        (b"id;right;email\na;access;b@c.d\n", "must name its columns"),
        (b"id,right,email,email\n", "must name its columns"),
        (b"id,right,email\n", "lists no request"),
    ] {
        std::fs::write(&batch.paths[0], bytes).unwrap();
        let (exit, text) = batch.run().await;
        assert_eq!(exit, 2);
        assert!(text.contains(wrong), "{text}");
    }
}

#[tokio::test]
async fn only_one_process_can_use_a_journal() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let first = batch.spawn();
    while batch.shell.simulator.calls().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 1);
    assert!(text.contains("another process is using the journal"), "{text}");
    assert_eq!(code(&first.end().await), 0);
    batch.expect(&[("dsr-1", "deleted")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn results_that_cannot_be_written_are_an_error_before_anything_is_started() {
    let mut batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let requests = std::fs::read(&batch.paths[0]).unwrap();
    for (results, exit) in [(batch.shell.directory.path("none/results.csv"), 1), (batch.paths[0].clone(), 2)] {
        batch.paths[3] = results;
        assert_eq!(batch.run().await.0, exit);
    }
    assert!(batch.shell.simulator.calls().is_empty());
    assert_eq!(std::fs::read(&batch.paths[0]).unwrap(), requests);
}

#[tokio::test]
async fn open_requests_that_are_no_longer_in_the_file_are_listed() {
    let deletion = format!("dsr-1,deletion,erase,{SAMPLE_PERSON},");
    let batch = Batch::new(&[&deletion]).await;
    let running = batch.spawn();
    while batch.erasures_of(SAMPLE_PERSON) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    running.interrupt();
    assert_eq!(code(&running.end().await), 3);
    let access = format!("dsr-2,access,,{SAMPLE_RESPONDENT},");
    batch.write(&[&access]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("Requests in the journal that are open") && text.contains(": dsr-1\n"), "{text}");
    batch.write(&[&access, &deletion]);
    let (exit, text) = batch.run().await;
    assert!(exit == 0 && !text.contains("Requests in the journal that are open"), "{text}");
    batch.expect(&[("dsr-2", "found"), ("dsr-1", "deleted")]);
}

#[tokio::test]
async fn rejected_credentials_stop_the_batch_before_it_starts_further_requests() {
    let lines: Vec<String> = (0..20).map(|n| format!("dsr-{n},access,,person-{n}@example.org,")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rejects = Fault::Status(401, WaitHint::None);
    batch.shell.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, rejects)]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("No further request is started."), "{text}");
    let ended = batch.results().iter().filter(|(_, end)| end == "unauthorized").count();
    assert!((1..=4).contains(&ended), "{ended} ended");
    batch.shell.simulator.set_faults(Vec::new());
    assert_eq!(batch.run().await.0, 0);
}

#[tokio::test]
async fn a_small_rate_share_delays_the_batch_and_makes_no_report_partial() {
    let lines: Vec<String> = (0..8).map(|n| format!("dsr-{n},access,,{SAMPLE_PERSON},")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ended = batch.spawn_with(&["--set", "rate-share=3"]).end().await;
    assert_eq!(code(&ended), 0, "{:?}", batch.results());
    assert!(batch.results().iter().all(|(_, end)| end == "found"), "{:?}", batch.results());
}

#[tokio::test]
async fn start_anyway_applies_to_one_start() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let simulator = &batch.shell.simulator;
    // The list masks the addresses of jobs, so the connector cannot reconcile and an operator must decide.
    simulator.set_dialects(Dialects::parse("email-list-masked").unwrap());
    let inject = |fault| simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    inject(Fault::ResetAfterEffect);
    assert_eq!(batch.run().await.0, 6);
    batch.expect(&[("dsr-1", "outcome-unknown")]);
    assert_eq!(code(&batch.spawn_with(&["--start-anyway", "dsr-2"]).end().await), 2);
    inject(Fault::SilenceAfterEffect);
    let mut running = batch.spawn_with(&["--start-anyway", "dsr-1"]);
    while batch.erasures_of(SAMPLE_PERSON) < 2 {
        assert!(!running.has_ended());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    running.kill();
    simulator.set_faults(Vec::new());
    assert_eq!(code(&batch.spawn_with(&["--start-anyway", "dsr-1"]).end().await), 6);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 2);
}

#[tokio::test]
async fn concurrent_calls_stay_within_one_share_of_the_rate_limits() {
    let lines: Vec<String> = (0..30).map(|n| format!("dsr-{n},deletion,erase,person-{n}@example.org,")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ended = batch.spawn_with(&["--concurrency", "64"]).end().await;
    assert_eq!(code(&ended), 0, "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(batch.shell.simulator.ratelimited_count(), 0);
    assert_eq!(batch.shell.simulator.erasures().iter().filter(|job| job.emails[0].starts_with("person-")).count(), 30);
}

#[tokio::test]
async fn a_deletion_waits_for_the_access_request_for_the_same_person() {
    let deletion = format!("dsr-1,deletion,erase,{},", SAMPLE_PERSON.to_uppercase());
    let access = format!("dsr-2,access,,{SAMPLE_PERSON},");
    let batch = Batch::new(&[&deletion, &access]).await;
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    batch.expect(&[("dsr-1", "deleted"), ("dsr-2", "found")]);
    let calls = batch.shell.simulator.calls();
    let position = |endpoint| calls.iter().rposition(|call| call.endpoint == endpoint).unwrap();
    assert!(position(Endpoint::ErasureCreate) > position(Endpoint::ExportFile));
}

#[tokio::test]
async fn an_overridden_guard_lets_the_next_run_continue() {
    let own = format!("dsr-1,deletion,erase,{SAMPLE_ADMINISTRATOR},");
    let batch = Batch::new(&[&own, &format!("dsr-2,deletion,erase,{SAMPLE_STAFF_CONTACT},")]).await;
    assert_eq!(batch.run().await.0, 4);
    batch.expect(&[("dsr-1", "refused"), ("dsr-2", "refused")]);
    let results = std::fs::read_to_string(&batch.paths[3]).unwrap();
    assert!(results.contains("own-account") && results.contains("staff-account"), "{results}");
    batch.write(&[&own, &format!("dsr-2,deletion,erase,{SAMPLE_STAFF_CONTACT},staff-account")]);
    assert_eq!(batch.run().await.0, 4);
    batch.expect(&[("dsr-1", "refused"), ("dsr-2", "deleted")]);
    assert_eq!(batch.erasures_of(SAMPLE_ADMINISTRATOR), 0);
}

#[tokio::test]
async fn the_next_run_retries_errors_that_an_operator_can_fix() {
    let access = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let deletion = format!("dsr-2,deletion,erase,{SAMPLE_PERSON},");
    let batch = Batch::new(&[&access, &deletion]).await;
    let rejects = Fault::Status(403, WaitHint::None);
    batch.shell.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, rejects)]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 3, "{text}");
    batch.expect(&[("dsr-1", "forbidden"), ("dsr-2", "held")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 0);
    batch.shell.simulator.set_faults(Vec::new());
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "deleted")]);
}

#[tokio::test]
async fn an_id_is_not_reused_for_another_person() {
    let batch = Batch::new(&[&format!("dsr-1,access,,{SAMPLE_PERSON},")]).await;
    assert_eq!(batch.run().await.0, 0);
    batch.write(&[&format!("dsr-1,access,,{SAMPLE_RESPONDENT},")]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2);
    assert!(text.contains("other requests with these IDs: dsr-1"), "{text}");
    assert!(!text.contains(SAMPLE_RESPONDENT), "{text}");
}

#[tokio::test]
async fn a_directory_of_another_program_is_not_changed() {
    let batch = Batch::new(&[&format!("dsr-1,access,,{SAMPLE_PERSON},")]).await;
    let foreign = format!("{}/dsr-1", batch.paths[2]);
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(format!("{foreign}/notes"), "keep").unwrap();
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2, "{text}");
    assert_eq!(files(&foreign).len(), 1);
    assert!(batch.shell.simulator.calls().is_empty());
}

#[tokio::test]
async fn an_interrupted_batch_completes_its_calls_and_resumes_in_the_next_run() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let running = batch.spawn();
    while batch.erasures_of(SAMPLE_PERSON) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    running.interrupt();
    let ended = running.end().await;
    assert_eq!(code(&ended), 3);
    batch.expect(&[("dsr-1", "pending")]);
    assert_eq!(batch.run().await.0, 0);
    batch.expect(&[("dsr-1", "deleted")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn the_clock_is_accelerated_for_a_simulator_only() {
    let arguments =
        ["check", "--accelerate", "60@1760000000", "--base-url", "https://fra1.qualtrics.com", "--client-id", "id"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_host-test")).args(arguments).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--accelerate is for a simulator"));
}

#[tokio::test]
async fn files_of_a_batch_hold_no_personal_data_except_subjects_in_the_journal() {
    let batch = Batch::new(&[]).await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let lines = format!(
        "id,right,mode,email,phone,external-id\n\
         ends-found,access,,{SAMPLE_PERSON},{SAMPLE_PHONE},{SAMPLE_REFERENCE}\n\
         ends-previewed,deletion,preview,{SAMPLE_PERSON},,\n\
         ends-refused,deletion,erase,{SAMPLE_ADMINISTRATOR},,\n\
         fails,deletion,erase-and-verify,{one};{two},,\n"
    );
    std::fs::write(&batch.paths[0], lines).unwrap();
    let simulator = &batch.shell.simulator;
    let (mut texts, mut with_subject) = (Vec::new(), Vec::new());
    // Errors of every kind from a vendor whose messages name people, and an interrupt while a request is in progress.
    for faults in [
        vec![FaultRule::every(Endpoint::ExportCreate, Fault::Status(500, WaitHint::None))],
        vec![FaultRule::every(Endpoint::ErasureCreate, Fault::Status(400, WaitHint::None))],
        vec![FaultRule::nth_of_any(4, Fault::Html), FaultRule::nth_of_any(7, Fault::MetaStatus(503))],
    ] {
        simulator.set_faults(faults);
        simulator.clear_calls();
        let mut running = batch.spawn();
        while simulator.calls().len() < 12 && !running.has_ended() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        if !running.has_ended() {
            running.interrupt();
        }
        let ended = running.end().await;
        texts.extend([ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()));
        with_subject.push(check_journal(&batch.paths[1]));
        texts.push(std::fs::read_to_string(&batch.paths[3]).unwrap());
    }
    simulator.set_faults(Vec::new());
    simulator.set_next_jobs(JobEnd::Fails);
    let (exit, text) = batch.run().await;
    assert_ne!(exit, 1, "{text}");
    texts.push(text);
    simulator.set_next_jobs(JobEnd::Completes);
    let (exit, text) = batch.run().await;
    assert_ne!(exit, 1, "{text}");
    texts.push(text);
    assert_eq!(batch.results().len(), 4, "{:?}", batch.results());
    with_subject.push(check_journal(&batch.paths[1]));
    assert!(with_subject[0] > 0 && with_subject.last() == Some(&0), "{with_subject:?}");
    texts.push(std::fs::read_to_string(&batch.paths[3]).unwrap());
    let out = std::path::Path::new(&batch.paths[2]);
    let mut receipts = 0;
    for directory in out.read_dir().unwrap() {
        let directory = directory.unwrap().path();
        for (name, bytes) in files(directory.to_str().unwrap()) {
            texts.push(name.clone());
            if name == "receipt.json" {
                receipts += 1;
                texts.push(String::from_utf8(bytes).unwrap());
            }
        }
    }
    assert!(receipts >= 2, "{receipts}");
    assert_no_leaks("files of a batch", &texts, &simulator.calls());
}

/// Checks that the subject is the only member of an entry with personal data, and that the file contains neither the secret nor a token.
/// Returns how many entries have a subject.
fn check_journal(path: &str) -> usize {
    let entries = Journal::open(std::path::Path::new(path)).unwrap().entries().unwrap();
    assert_eq!(entries.len(), 4);
    let mut with_subject = 0;
    for entry in entries {
        let mut members = serde_json::to_value(&entry).unwrap();
        let subject = members["request"]["subject"].take();
        with_subject += usize::from(!subject.as_array().unwrap().is_empty());
        assert_no_leaks("an entry of the journal", &[members.to_string(), entry.key(), format!("{entry:?}")], &[]);
    }
    let bytes = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    for secret in [SAMPLE_CLIENT_SECRET, TOKEN_CANARY] {
        assert!(!bytes.contains(secret), "{secret}");
    }
    with_subject
}
