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
        "line 5: id must be 1 to 128 of A-Z a-z 0-9 . _ : -; email is not an e-mail address",
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
async fn identifiers_that_cannot_exist_are_named_by_line_and_nothing_is_started() {
    let batch = Batch::new(&[
        &format!("dsr-1,deletion,erase,{SAMPLE_PERSON},"),
        "dsr-2,deletion,erase,ada@victim.example\u{200b},",
        "dsr-3,access,,\u{feff}ada@victim.example,",
        "dsr-4,deletion,erase,mailto:ada@victim.example,",
        "dsr-5,deletion,erase,'ada@victim.example',",
        "dsr-6,access,,ada@victim.example; Ada <ada@victim.example>,",
        "dsr-7,deletion,erase,ada@victim.example\u{fffd},",
    ])
    .await;
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2);
    for line in [
        "line 3: email contains the invisible character U+200B",
        "line 4: email contains the invisible character U+FEFF",
        "line 5: email begins with mailto: and is not an e-mail address",
        "line 6: email is not an e-mail address: it begins with a quotation mark",
        "line 7: email 2 is not an e-mail address",
        "line 8: email contains U+FFFD in place of a character that was lost",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("victim") && !text.contains("line 2"), "{text}");
    assert!(batch.shell.simulator.calls().is_empty());
}

#[tokio::test]
async fn rows_that_a_spreadsheet_left_empty_are_skipped() {
    let empty = [",,,,,,", " ,\t,\u{a0},,", ""].into_iter().cycle().take(1_247);
    let access = format!("dsr-1,access,,{SAMPLE_PERSON},");
    let lines: Vec<&str> = std::iter::once(access.as_str()).chain(empty).collect();
    let batch = Batch::new(&lines).await;
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 0, "{text}");
    batch.expect(&[("dsr-1", "found")]);
    batch.write(&[&lines[..], &["dsr-2,access"]].concat());
    let (exit, text) = batch.run().await;
    assert_eq!(exit, 2);
    assert!(text.contains("  line 1250: 2 columns instead of 5"), "{text}");
}

#[tokio::test]
async fn csv_files_of_spreadsheets_are_parsed_and_other_files_are_refused() {
    let batch = Batch::new(&[]).await;
    let lines = format!(
        "\u{feff}Id;Right;mode;External-ID; email\r\n\
         dsr-1;access;;\"no, such \"\"one\"\"\";\"{}; {}\"\r\n\
         \r\n\
         dsr-2 ; access ; ; ; {SAMPLE_PERSON}",
        SAMPLE_TWO_ADDRESSES[0], SAMPLE_TWO_ADDRESSES[1],
    );
    // What Excel calls Unicode text.
    let bytes: Vec<u8> = lines.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&batch.paths[0], bytes).unwrap();
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
        (
            &b"id,right,email\na,access,\xe4@b.c\n"[..],
            "is not UTF-8: see line 2. To keep every letter of an address, export it as CSV in UTF-8",
        ),
        (b"id,right,email\na,access,a@b.c\0\n", "line 2 has a NUL character"),
        (b"", "must name its columns"),
        (b"id;right,email\na,access;b@c.d\n", "must name its columns"),
        (b"id,right,email,email\n", "names the column email more than once"),
        (b"id,right,email\n", "lists no request"),
    ] {
        std::fs::write(&batch.paths[0], bytes).unwrap();
        let (exit, text) = batch.run().await;
        assert_eq!(exit, 2);
        assert!(text.contains(wrong), "{text}");
    }
}
