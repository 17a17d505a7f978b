//! The command `batch`: what it takes, what it writes, and in which order it works.

#![cfg(unix)]

#[path = "end_to_end/markers.rs"]
mod markers;
mod shell;

use std::os::unix::fs::PermissionsExt;

use host_test::simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_RESPONDENT, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES, TOKEN_CANARY,
    WaitHint,
};

use host_test::journal::Journal;
use markers::{assert_nothing_leaks, marked};
use shell::{Running, Shell, code, files};

/// A batch in a shell, with the places of its files.
struct Batch {
    shell: Shell,
    paths: [String; 4],
}

impl Batch {
    async fn new(lines: &[&str]) -> Self {
        let shell = Shell::new(marked(Brand::sample())).await;
        let paths = ["requests.csv", "journal", "out", "results.csv"].map(|name| shell.place.path(name));
        let batch = Self { shell, paths };
        batch.write(lines);
        batch
    }

    fn write(&self, lines: &[&str]) {
        let head = "key,right,mode,email,confirmed";
        std::fs::write(&self.paths[0], format!("{head}\n{}\n", lines.join("\n"))).unwrap();
    }

    fn spawn(&self) -> Running {
        self.spawn_with(&[])
    }

    fn spawn_with(&self, more: &[&str]) -> Running {
        let [requests, journal, out, results] = &self.paths;
        let arguments = ["batch", requests, "--journal", journal, "--out", out, "--results", results];
        self.shell.spawn(&[&arguments[..], more].concat())
    }

    async fn run(&self) -> (i32, String) {
        let output = self.spawn().end().await;
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        (code(&output), String::from_utf8(said).unwrap())
    }

    /// Key, and outcome or error, of each line of the results.
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
        let results: Vec<_> = results.iter().map(|(key, end)| ((*key).to_owned(), (*end).to_owned())).collect();
        assert_eq!(self.results(), results);
    }
}

#[tokio::test]
async fn every_bad_line_is_named_without_its_values_and_nothing_is_begun() {
    let good = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let batch = Batch::new(&[
        &good,
        "dsr-2,acces,,ada@example.org,",
        "dsr-1,deletion,,secret.person@example.org,",
        "dsr 4,deletion,erase,not-an-address,",
        "dsr-5,access,erase,,",
        "dsr-6,access",
    ])
    .await;
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 2);
    for line in [
        "line 3: right must be access or deletion",
        "line 4: key is that of an earlier line; mode must be preview, erase or erase-and-verify",
        "line 5: key must be 1 to 128 of A-Z a-z 0-9 . _ : -; email is not an address",
        "line 6: mode is for deletions; there must be 1 to 64 names",
        "line 7: 2 columns instead of 5",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("secret.person") && !said.contains("line 2"), "{said}");
    assert!(batch.shell.simulator.calls().is_empty());
    assert!(!std::path::Path::new(&batch.paths[1]).exists());
}

#[tokio::test]
async fn each_request_ends_once_and_a_further_run_makes_no_call() {
    let access = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let deletion = format!("dsr-2,deletion,erase-and-verify,{SAMPLE_RESPONDENT},");
    let both = format!("dsr-3,deletion,erase,{},", SAMPLE_TWO_ADDRESSES.join(";"));
    let batch = Batch::new(&[&access, &deletion, &both]).await;
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("3 requests\n  erased: 1\n  found: 1\n  verified: 1"), "{said}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "verified"), ("dsr-3", "erased")]);
    assert!(files(&format!("{}/dsr-1", batch.paths[2])).iter().any(|(name, _)| name == "export-01.json"));
    assert!(files(&format!("{}/dsr-2", batch.paths[2])).iter().any(|(name, _)| name == "receipt.json"));

    batch.shell.simulator.clear_calls();
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    assert!(batch.shell.simulator.calls().is_empty());
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "verified"), ("dsr-3", "erased")]);
    let journal = std::fs::read(&batch.paths[1]).unwrap();
    let holds = |text: &str| journal.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(holds("dsr-1") && !holds(SAMPLE_CLIENT_SECRET));
    for (path, mode) in [(&batch.paths[1], 0o600), (&batch.paths[2], 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[tokio::test]
async fn a_file_is_read_as_spreadsheets_write_it() {
    let batch = Batch::new(&[]).await;
    let lines = format!(
        "\u{feff}Key,right,mode,external_reference,email\r\n\
         dsr-1,access,,\"no, such \"\"one\"\"\",\"{}; {}\"\r\n\
         \r\n\
         dsr-2 , access , , , {SAMPLE_PERSON}",
        SAMPLE_TWO_ADDRESSES[0], SAMPLE_TWO_ADDRESSES[1],
    );
    std::fs::write(&batch.paths[0], &lines).unwrap();
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 2);
    assert!(said.contains("must name its columns"), "{said}");
    std::fs::write(&batch.paths[0], lines.replace("Key", "key")).unwrap();
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "found")]);
    let exports = batch.shell.simulator.exports();
    assert!(
        exports
            .iter()
            .any(|export| SAMPLE_TWO_ADDRESSES.iter().all(|one| export.emails.iter().any(|email| email == one)))
    );
    for (bytes, wrong) in [
        (&b"key,right,email\na,access,\xe4@b.c\n"[..], "line 2: not UTF-8"),
        (b"", "must name its columns"),
        (b"key;right;email\na;access;b@c.d\n", "must name its columns"),
        (b"key,right,email,email\n", "must name its columns"),
        (b"key,right,email\n", "lists no request"),
    ] {
        std::fs::write(&batch.paths[0], bytes).unwrap();
        let (exit, said) = batch.run().await;
        assert_eq!(exit, 2);
        assert!(said.contains(wrong), "{said}");
    }
}

#[tokio::test]
async fn a_journal_serves_one_process_at_a_time() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let first = batch.spawn();
    while batch.shell.simulator.calls().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 1);
    assert!(said.contains("another process is using the journal"), "{said}");
    assert_eq!(code(&first.end().await), 0);
    batch.expect(&[("dsr-1", "erased")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn results_that_cannot_be_written_are_known_before_anything_is_begun() {
    let mut batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let requests = std::fs::read(&batch.paths[0]).unwrap();
    for (results, exit) in [(batch.shell.place.path("none/results.csv"), 1), (batch.paths[0].clone(), 2)] {
        batch.paths[3] = results;
        assert_eq!(batch.run().await.0, exit);
    }
    assert!(batch.shell.simulator.calls().is_empty());
    assert_eq!(std::fs::read(&batch.paths[0]).unwrap(), requests);
}

#[tokio::test]
async fn requests_that_are_not_in_the_file_any_more_are_named() {
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
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("not at their end: dsr-1\n"), "{said}");
    batch.write(&[&access, &deletion]);
    let (exit, said) = batch.run().await;
    assert!(exit == 0 && !said.contains("not at their end"), "{said}");
    batch.expect(&[("dsr-2", "found"), ("dsr-1", "erased")]);
}

#[tokio::test]
async fn credentials_that_are_refused_end_the_batch_and_not_each_request() {
    let lines: Vec<String> = (0..20).map(|n| format!("dsr-{n},access,,person-{n}@example.org,")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let refuses = Fault::Status(401, WaitHint::None);
    batch.shell.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, refuses)]);
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("Nothing more is begun."), "{said}");
    let ended = batch.results().iter().filter(|(_, end)| end == "unauthorized").count();
    assert!((1..=4).contains(&ended), "{ended} ended");
    batch.shell.simulator.set_faults(Vec::new());
    assert_eq!(batch.run().await.0, 0);
}

#[tokio::test]
async fn a_small_share_makes_a_batch_slow_and_no_answer_partial() {
    let lines: Vec<String> = (0..8).map(|n| format!("dsr-{n},access,,{SAMPLE_PERSON},")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ended = batch.spawn_with(&["--set", "rate-share=3"]).end().await;
    assert_eq!(code(&ended), 0, "{:?}", batch.results());
    assert!(batch.results().iter().all(|(_, end)| end == "found"), "{:?}", batch.results());
}

#[tokio::test]
async fn a_persons_word_to_begin_anew_is_good_for_one_beginning() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let simulator = &batch.shell.simulator;
    simulator.set_dialects(Dialects::parse("erasure-at-work-no-addresses").unwrap());
    simulator.set_next_jobs(JobEnd::NeverEnds);
    let is_lost = |fault| simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    is_lost(Fault::ResetAfterEffect);
    assert_eq!(batch.run().await.0, 6);
    batch.expect(&[("dsr-1", "outcome-unknown")]);
    assert_eq!(code(&batch.spawn_with(&["--begin-anew", "dsr-2"]).end().await), 2);
    is_lost(Fault::SilenceAfterEffect);
    let mut running = batch.spawn_with(&["--begin-anew", "dsr-1"]);
    while batch.erasures_of(SAMPLE_PERSON) < 2 {
        assert!(!running.has_ended());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    running.kill();
    simulator.set_faults(Vec::new());
    assert_eq!(code(&batch.spawn_with(&["--begin-anew", "dsr-1"]).end().await), 6);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 2);
}

#[tokio::test]
async fn any_number_of_calls_at_once_keeps_to_one_share_of_the_limits() {
    let lines: Vec<String> = (0..30).map(|n| format!("dsr-{n},deletion,erase,person-{n}@example.org,")).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ended = batch.spawn_with(&["--concurrency", "64"]).end().await;
    assert_eq!(code(&ended), 0, "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(batch.shell.simulator.ratelimited_count(), 0);
    assert_eq!(batch.shell.simulator.erasures().iter().filter(|job| job.emails[0].starts_with("person-")).count(), 30);
}

#[tokio::test]
async fn a_deletion_waits_for_the_access_request_on_the_same_person() {
    let deletion = format!("dsr-1,deletion,erase,{},", SAMPLE_PERSON.to_uppercase());
    let access = format!("dsr-2,access,,{SAMPLE_PERSON},");
    let batch = Batch::new(&[&deletion, &access]).await;
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    batch.expect(&[("dsr-1", "erased"), ("dsr-2", "found")]);
    let calls = batch.shell.simulator.calls();
    let place = |endpoint| calls.iter().rposition(|call| call.endpoint == endpoint).unwrap();
    assert!(place(Endpoint::ErasureCreate) > place(Endpoint::ExportFile));
}

#[tokio::test]
async fn a_guard_that_a_person_lifts_lets_the_next_run_go_on() {
    let own = format!("dsr-1,deletion,erase,{SAMPLE_ADMINISTRATOR},");
    let batch = Batch::new(&[&own, &format!("dsr-2,deletion,erase,{SAMPLE_STAFF_CONTACT},")]).await;
    assert_eq!(batch.run().await.0, 4);
    batch.expect(&[("dsr-1", "refused"), ("dsr-2", "refused")]);
    let results = std::fs::read_to_string(&batch.paths[3]).unwrap();
    assert!(results.contains("own-account") && results.contains("staff-account"), "{results}");
    batch.write(&[&own, &format!("dsr-2,deletion,erase,{SAMPLE_STAFF_CONTACT},staff-account")]);
    assert_eq!(batch.run().await.0, 4);
    batch.expect(&[("dsr-1", "refused"), ("dsr-2", "erased")]);
    assert_eq!(batch.erasures_of(SAMPLE_ADMINISTRATOR), 0);
}

#[tokio::test]
async fn what_a_person_can_mend_is_tried_again_by_the_next_run() {
    let access = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let deletion = format!("dsr-2,deletion,erase,{SAMPLE_PERSON},");
    let batch = Batch::new(&[&access, &deletion]).await;
    let refuses = Fault::Status(403, WaitHint::None);
    batch.shell.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, refuses)]);
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 3, "{said}");
    batch.expect(&[("dsr-1", "forbidden"), ("dsr-2", "held")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 0);
    batch.shell.simulator.set_faults(Vec::new());
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 0, "{said}");
    batch.expect(&[("dsr-1", "found"), ("dsr-2", "erased")]);
}

#[tokio::test]
async fn a_key_is_not_given_to_another_person() {
    let batch = Batch::new(&[&format!("dsr-1,access,,{SAMPLE_PERSON},")]).await;
    assert_eq!(batch.run().await.0, 0);
    batch.write(&[&format!("dsr-1,access,,{SAMPLE_RESPONDENT},")]);
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 2);
    assert!(said.contains("other requests under these keys: dsr-1"), "{said}");
    assert!(!said.contains(SAMPLE_RESPONDENT), "{said}");
}

#[tokio::test]
async fn a_directory_that_somebody_else_made_is_not_touched() {
    let batch = Batch::new(&[&format!("dsr-1,access,,{SAMPLE_PERSON},")]).await;
    let theirs = format!("{}/dsr-1", batch.paths[2]);
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(format!("{theirs}/diary"), "dear").unwrap();
    let (exit, said) = batch.run().await;
    assert_eq!(exit, 2, "{said}");
    assert_eq!(files(&theirs).len(), 1);
    assert!(batch.shell.simulator.calls().is_empty());
}

#[tokio::test]
async fn an_interrupted_batch_ends_its_calls_and_goes_on_later() {
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
    batch.expect(&[("dsr-1", "erased")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn time_is_hastened_for_a_simulator_alone() {
    let arguments =
        ["check", "--hasten", "60@1760000000", "--base-url", "https://fra1.qualtrics.com", "--client-id", "id"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_host-test")).args(arguments).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--hasten is for a simulator"));
}

#[tokio::test]
async fn what_a_batch_leaves_behind_names_nobody_but_where_it_must() {
    let batch = Batch::new(&[]).await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let lines = format!(
        "key,right,mode,email,phone,external_reference\n\
         ends-found,access,,{SAMPLE_PERSON},{SAMPLE_PHONE},{SAMPLE_REFERENCE}\n\
         ends-previewed,deletion,preview,{SAMPLE_PERSON},,\n\
         ends-refused,deletion,erase,{SAMPLE_ADMINISTRATOR},,\n\
         fails,deletion,erase-and-verify,{one};{two},,\n"
    );
    std::fs::write(&batch.paths[0], lines).unwrap();
    let simulator = &batch.shell.simulator;
    let (mut said, mut named) = (Vec::new(), Vec::new());
    // Trouble of every kind, in the words of a vendor that names people; and a kill while a request is under way.
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
        said.extend([ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()));
        named.push(look_into_the_journal(&batch.paths[1]));
        said.push(std::fs::read_to_string(&batch.paths[3]).unwrap());
    }
    simulator.set_faults(Vec::new());
    simulator.set_next_jobs(JobEnd::Fails);
    let (exit, told) = batch.run().await;
    assert_ne!(exit, 1, "{told}");
    said.push(told);
    simulator.set_next_jobs(JobEnd::Completes);
    let (exit, told) = batch.run().await;
    assert_ne!(exit, 1, "{told}");
    said.push(told);
    assert_eq!(batch.results().len(), 4, "{:?}", batch.results());
    named.push(look_into_the_journal(&batch.paths[1]));
    assert!(named[0] > 0 && named.last() == Some(&0), "{named:?}");
    said.push(std::fs::read_to_string(&batch.paths[3]).unwrap());
    let out = std::path::Path::new(&batch.paths[2]);
    let mut receipts = 0;
    for directory in out.read_dir().unwrap() {
        let directory = directory.unwrap().path();
        for (name, bytes) in files(directory.to_str().unwrap()) {
            said.push(name.clone());
            if name == "receipt.json" {
                receipts += 1;
                said.push(String::from_utf8(bytes).unwrap());
            }
        }
    }
    assert!(receipts >= 2, "{receipts}");
    assert_nothing_leaks("left behind", &said, &simulator.calls());
}

/// Every column but the one that is meant for names holds none, and neither the secret nor a token is anywhere in the file.
/// Returns in how many entries there are names.
fn look_into_the_journal(path: &str) -> usize {
    let entries = Journal::open(std::path::Path::new(path)).unwrap().entries().unwrap();
    assert_eq!(entries.len(), 4);
    let mut named = 0;
    for entry in entries {
        let mut columns = serde_json::to_value(&entry).unwrap();
        let names = columns["request"]["subject"].take();
        named += usize::from(!names.as_array().unwrap().is_empty());
        assert_nothing_leaks("a column of the journal", &[columns.to_string(), entry.id(), format!("{entry:?}")], &[]);
    }
    let bytes = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    for secret in [SAMPLE_CLIENT_SECRET, TOKEN_CANARY] {
        assert!(!bytes.contains(secret), "{secret}");
    }
    named
}
