//! `--check` shows what a batch would do, and does nothing.

use std::process::{Command, Output};

use qualtrics_simulator::{SAMPLE_CLIENT_ID, SAMPLE_PERSON, SAMPLE_RESPONDENT};
use serde_json::{Value, json};

use super::Batch;
use super::shell::{code, files};

/// The command with these options, without a connection.
async fn check(batch: &Batch, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privacy"));
    command.args(["batch", &batch.paths[0], "--check"]).args(options).env_remove("CONNECTOR_CLIENT_SECRET");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn check_shows_what_a_batch_would_do_without_credentials_calls_or_files() {
    let batch = Batch::new(&[]).await;
    let lines = format!(
        "id,right,mode,email,phone\n\
         dsr-1,access,,{SAMPLE_PERSON},+4989123456\n\
         dsr-2,deletion,erase,{},\n\
         ,,,,\n\
         dsr-3,deletion,erase-and-verify,{SAMPLE_PERSON};{SAMPLE_RESPONDENT},\n\
         dsr-4,deletion,preview,,+4989123457\n\
         dsr-5,opt-out,,{SAMPLE_RESPONDENT},\n",
        SAMPLE_PERSON.to_uppercase()
    );
    std::fs::write(&batch.paths[0], lines).unwrap();
    let checked = check(&batch, &[]).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked));
    for part in [
        "requests.csv is usable: 5 requests\n",
        "  deletion (erase-and-verify): 1\n",
        "  email: 5\n",
        "  line 2: dsr-1, access, 1 email, 1 phone\n",
        "  line 5: dsr-3, deletion (erase-and-verify), 2 email; waits for dsr-1\n",
        "  line 6: dsr-4, deletion (preview), 1 phone; ends as `refused`, because no deletion is possible by phone\n",
        "  line 7: dsr-5, opt-out, 1 email\n",
        "  dsr-2, dsr-3\n",
    ] {
        assert!(text(&checked).contains(part), "{part}: {}", text(&checked));
    }
    assert!(!text(&checked).contains('@'), "{}", text(&checked));
    assert!(checked.stderr.is_empty(), "{}", text(&checked));

    let [_, journal, out, results] = &batch.paths;
    let options = ["--json", "--journal", journal, "--out", out, "--results", results, "--client-id", SAMPLE_CLIENT_ID];
    let checked = check(&batch, &options).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked));
    let plan: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let plan = &plan["plan"];
    assert_eq!(plan["identifiers"], json!({ "email": 5, "phone": 2 }));
    assert_eq!(plan["same-identifiers"], json!([["dsr-2", "dsr-3"]]));
    assert_eq!(plan["wrong-lines"], json!([]));
    assert_eq!(plan["requests"].as_array().map(Vec::len), Some(5));
    let directory = std::path::Path::new(&batch.paths[0]).parent().unwrap();
    let names: Vec<String> = files(directory.to_str().unwrap()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["requests.csv"]);
    assert!(batch.shell.simulator.calls().is_empty());
}

#[tokio::test]
async fn check_of_an_unusable_file_shows_the_first_wrong_lines_and_how_many_more_there_are() {
    let wrong = (1..=1_248).map(|n| format!("dsr-{n},deletion,erase,ada@victim.example\u{200b},"));
    let lines: Vec<String> = std::iter::once(format!("dsr-0,access,,{SAMPLE_PERSON},")).chain(wrong).collect();
    let batch = Batch::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let checked = check(&batch, &[]).await;
    assert_eq!(code(&checked), 2, "{}", text(&checked));
    for part in [
        "is not usable: 1248 wrong lines\n",
        "  line 2: dsr-0, access, 1 email\n",
        "  line 22: email contains the invisible character U+200B: remove it\n  and 1228 more\n",
    ] {
        assert!(text(&checked).contains(part), "{part}: {}", text(&checked));
    }
    assert!(!text(&checked).contains("line 23"), "{}", text(&checked));
    let checked = check(&batch, &["--json"]).await;
    assert_eq!(code(&checked), 2, "{}", text(&checked));
    let plan: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(plan["plan"]["wrong-lines"].as_array().map(Vec::len), Some(1_248));
}
