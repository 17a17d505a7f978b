//! Rate limits and rejected credentials.

use qualtrics_simulator::{Endpoint, Fault, FaultRule, SAMPLE_PERSON, WaitHint};

use super::Batch;
use super::shell::code;

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
    let ended = batch.spawn_with(&["--rate-share", "3"]).end().await;
    assert_eq!(code(&ended), 0, "{:?}", batch.results());
    assert!(batch.results().iter().all(|(_, end)| end == "found"), "{:?}", batch.results());
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
async fn the_clock_is_accelerated_for_a_simulator_only() {
    let arguments = [
        "check",
        "--accelerate",
        "60@1760000000",
        "--base-url",
        "https://fra1.qualtrics.com",
        "--client-id",
        "id",
        "--datacenter-id",
        "fra1",
    ];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_privacy"))
        .args(arguments)
        .env("CONNECTOR_CLIENT_SECRET", "secret")
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8(output.stderr).unwrap().contains("--accelerate is for a simulator"));
}
