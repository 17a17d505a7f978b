//! Requests that are continued from their stored state.

use super::*;

#[tokio::test]
async fn a_lost_deletion_is_found_by_the_printed_command() {
    let simulator = accelerated_simulator().await;
    let reset = FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect);
    simulator.set_faults(vec![reset, FaultRule::every(Endpoint::ErasureList, Fault::Status(503, WaitHint::None))]);
    let accelerated = accelerated();
    let arguments = ["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--id", "dsr-1", &accelerated];
    let lost = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&lost), 6, "{}", text(&lost));
    simulator.set_faults(Vec::new());
    let line = format!("{} --json", printed_command(&text(&lost)));
    let found = output(pasted(&line)).await;
    assert_eq!(code(&found), 3, "{line}: {}", text(&found));
    let before = simulator.erasures().len();
    let ended = output(pasted(&line)).await;
    assert_eq!((code(&ended), &json(&ended)["done"]["outcome"]), (0, &"deleted".into()), "{}", text(&ended));
    let jobs = simulator.erasures();
    let erasures = jobs.iter().filter(|job| !job.search_only && job.emails.iter().any(|email| email == SAMPLE_PERSON));
    assert_eq!((erasures.count(), jobs.len()), (1, before));
}

#[tokio::test]
async fn state_is_stored_for_its_owner_only_and_listed_without_identifiers() {
    let simulator = simulator().await;
    let started = output(connected(&simulator, &["access", "--email", SAMPLE_PERSON, "--id", "dsr-1"])).await;
    assert_eq!(code(&started), 3, "{}", text(&started));
    let directory = state_directory().join("dsr-1");
    assert_eq!((mode(&directory), mode(&directory.join("journal"))), (0o700, 0o600));
    assert_eq!(mode(directory.parent().unwrap()), 0o700);

    let listed = output(command(&["list", "--json"])).await;
    let listed_requests = &json(&listed)["requests"];
    assert_eq!(listed_requests.as_array().map(Vec::len), Some(1), "{}", text(&listed));
    assert_eq!((&listed_requests[0]["request-id"], &listed_requests[0]["state"]), (&"dsr-1".into(), &"pending".into()));
    assert_eq!(listed_requests[0]["stage"], "exporting");
    assert!(listed_requests[0]["ticket"].as_str().unwrap().starts_with("t1."));
    assert!(!text(&listed).contains(SAMPLE_PERSON));

    let line = printed_command(&text(&started)).to_owned();
    let out = ScratchPath::new("resumed");
    let ended = output(pasted(&format!("{line} --out {}/new/documents", out.argument()))).await;
    assert_eq!(code(&ended), 0, "{line}: {}", text(&ended));
    let status = output(command(&["status", "dsr-1"])).await;
    assert!(text(&status).starts_with("dsr-1 access: found\n"), "{}", text(&status));
    assert!(text(&status).contains("new/documents"), "{}", text(&status));
    let again = output(pasted(&line)).await;
    assert_eq!(code(&again), 0);
    assert!(text(&again).contains("ended in an earlier run: found"), "{}", text(&again));
    let unknown = output(connected(&simulator, &["resume", "dsr-2"])).await;
    assert_eq!(code(&unknown), 2, "{}", text(&unknown));
}

#[tokio::test]
async fn documents_that_were_not_saved_are_read_again_by_the_last_ticket() {
    let simulator = simulator().await;
    let arguments = ["access", "--email", SAMPLE_PERSON, "--id", "dsr-1"];
    assert_eq!(code(&output(connected(&simulator, &arguments)).await), 3);
    let ended = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&ended), 0, "{}", text(&ended));
    assert!(text(&ended).contains("run the same command again with `--id dsr-1 --out DIR`"), "{}", text(&ended));
    let exports = simulator.calls().iter().filter(|call| call.endpoint == Endpoint::ExportCreate).count();
    let out = ScratchPath::new("later");
    let saved = output(connected(&simulator, &[&arguments[..], &["--out", out.argument()]].concat())).await;
    assert_eq!(code(&saved), 0, "{}", text(&saved));
    assert!(out.0.join("receipt.json").exists());
    assert_eq!(simulator.calls().iter().filter(|call| call.endpoint == Endpoint::ExportCreate).count(), exports);
}

#[tokio::test]
async fn an_interrupted_wait_prints_how_to_continue() {
    let simulator = simulator().await;
    let mut command = connected(&simulator, &["access", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--wait"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (printed, code) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        let rest: Vec<_> = lines.map(Result::unwrap).collect();
        (format!("{first}\n{}", rest.join("\n")), child.wait().unwrap().code())
    })
    .await
    .unwrap();
    assert_eq!(code, Some(3), "{printed}");
    assert!(printed.starts_with("exporting"), "{printed}");
    assert!(printed.contains("privacy resume dsr-1 --wait --datacenter-id fra1"), "{printed}");
    assert!(!printed.contains(SAMPLE_PERSON), "{printed}");
}

#[tokio::test]
async fn a_request_that_ended_with_an_error_for_good_is_not_started_again() {
    let simulator = simulator().await;
    let scratch = ScratchPath::new("journal");
    std::fs::create_dir(&scratch.0).unwrap();
    let journal = scratch.0.join("journal");
    let arguments =
        ["delete", "--mode", "erase", "--email", "nobody", "--id", "dsr-1", "--wait", "--json", "--journal"];
    let arguments = [&arguments[..], &[journal.to_str().unwrap()]].concat();
    let first = output(connected(&simulator, &arguments)).await;
    assert_eq!(code(&first), 1, "{}", text(&first));
    assert_eq!(json(&first)["error"]["remedy"], "give-up");
    let again = output(connected(&simulator, &arguments)).await;
    assert_eq!((code(&again), json(&again)), (1, json(&first)));
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_request_belongs_to_the_connection_with_which_it_was_started() {
    let (one, other) = (accelerated_simulator().await, accelerated_simulator().await);
    let arguments = ["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--id", "dsr-1"];
    assert_eq!(code(&output(waiting(&one, &arguments)).await), 0);
    let calls = other.calls().len();
    for arguments in [&arguments[..], &["resume", "dsr-1"]] {
        let refused = output(waiting(&other, arguments)).await;
        assert_eq!(code(&refused), 2, "{}", text(&refused));
        assert!(text(&refused).contains("belongs to a connection with another base-url"), "{}", text(&refused));
    }
    assert_eq!(other.calls().len(), calls);
    let arguments = ["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--id", "dsr-2"];
    assert_eq!(code(&output(waiting(&other, &arguments)).await), 0);
}
