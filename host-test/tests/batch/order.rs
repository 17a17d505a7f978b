//! The order of access requests and deletions for the same person.

use qualtrics_simulator::{Dialects, Endpoint, Fault, FaultRule, SAMPLE_PERSON, WaitHint};

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

/// A batch whose access request ended as `partial`, because the brand hides its directories.
async fn after_a_partial_copy(deletion: &str) -> Batch {
    let batch = Batch::new(&[&format!("dsr-1,access,,{SAMPLE_PERSON},"), deletion]).await;
    batch.shell.simulator.set_dialects(Dialects::parse("xm-directory-empty-list").unwrap());
    // A second run changes nothing.
    for _ in 0..2 {
        let (exit, text) = batch.run().await;
        assert_eq!(exit, 4, "{text}");
        assert!(
            text.contains("dsr-2 was not started: the access request dsr-1 for the same person ended as partial"),
            "{text}"
        );
        assert!(text.contains("  held: 1\n"), "{text}");
        batch.expect(&[("dsr-1", "partial"), ("dsr-2", "held")]);
        let remedy = batch.remedy("dsr-2");
        assert!(
            remedy.contains("dsr-1") && remedy.contains("put incomplete-copy into the column overrides"),
            "{remedy}"
        );
        assert_eq!(batch.erasures_of(SAMPLE_PERSON), 0);
    }
    batch
}

#[tokio::test]
async fn a_deletion_starts_without_a_complete_copy_only_after_an_operator_has_decided_it() {
    let deletion = format!("dsr-2,deletion,erase,{SAMPLE_PERSON},");
    let batch = after_a_partial_copy(&deletion).await;
    batch.write(&[&format!("dsr-1,access,,{SAMPLE_PERSON},"), &format!("{deletion}incomplete-copy")]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 5, "{text}");
    batch.expect(&[("dsr-1", "partial"), ("dsr-2", "deleted")]);
    assert_eq!(batch.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_deletion_starts_after_another_access_request_has_a_complete_copy() {
    let deletion = format!("dsr-2,deletion,erase,{SAMPLE_PERSON},");
    let batch = after_a_partial_copy(&deletion).await;
    batch.shell.simulator.set_dialects(Dialects::default());
    let [partial, again] = ["dsr-1", "dsr-3"].map(|id| format!("{id},access,,{SAMPLE_PERSON},"));
    batch.write(&[&partial, &deletion, &again]);
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 5, "{text}");
    batch.expect(&[("dsr-1", "partial"), ("dsr-2", "deleted"), ("dsr-3", "found")]);
    let calls = batch.shell.simulator.calls();
    let position = |endpoint| calls.iter().rposition(|call| call.endpoint == endpoint).unwrap();
    assert!(position(Endpoint::ErasureCreate) > position(Endpoint::ExportFile));
}
