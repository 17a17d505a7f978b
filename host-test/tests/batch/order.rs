//! The order of access requests and deletions for the same person.

use qualtrics_simulator::{Endpoint, Fault, FaultRule, SAMPLE_PERSON, WaitHint};

use super::Batch;

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
