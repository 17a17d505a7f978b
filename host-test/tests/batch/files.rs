//! The files that a batch writes.

use host_test::journal::Journal;
use qualtrics_simulator::{
    Endpoint, Fault, FaultRule, JobEnd, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_PHONE,
    SAMPLE_REFERENCE, SAMPLE_TWO_ADDRESSES, TOKEN_CANARY, WaitHint,
};

use super::Batch;
use super::markers::assert_no_leaks;
use super::shell::files;

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
