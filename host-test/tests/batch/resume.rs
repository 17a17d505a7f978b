//! A batch continues after any interruption, and starts no deletion twice.

use std::os::unix::fs::PermissionsExt;

use host_test::journal::Journal;
use qualtrics_simulator::{
    Dialects, Endpoint, Fault, FaultRule, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_RESPONDENT,
    SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES,
};

use super::Batch;
use super::shell::{code, files};

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
async fn only_one_process_can_use_a_journal() {
    let batch = Batch::new(&[&format!("dsr-1,deletion,erase,{SAMPLE_PERSON},")]).await;
    let journal = Journal::open(std::path::Path::new(&batch.paths[1])).unwrap();
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 1);
    assert!(text.contains("another process is using the journal"), "{text}");
    assert!(batch.shell.simulator.calls().is_empty());
    drop(journal);
    assert_eq!(batch.run().await.0, 0);
    batch.expect(&[("dsr-1", "deleted")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
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
