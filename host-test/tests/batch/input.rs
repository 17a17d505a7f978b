//! The CSV file of a batch.

use qualtrics_simulator::{SAMPLE_PERSON, SAMPLE_TWO_ADDRESSES};

use super::Batch;

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
