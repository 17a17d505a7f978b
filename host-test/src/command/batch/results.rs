//! How the requests of a batch ended.

use std::collections::BTreeMap;

use host_test::host::contract::{Error, ErrorKind, Remedy};
use host_test::journal::{Aim, End};

use super::super::exit::Exit;
use super::super::{json, print, words};
use super::board::{Board, Work};
use super::progress::standing;

const COLUMNS: [&str; 10] =
    ["key", "right", "mode", "outcome", "error", "remedy", "documents", "jobs", "finished_at", "findings"];

/// One line for each request, in the order in which they were given, without names.
pub(super) fn csv(board: &Board, now_s: u64) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for work in board.works() {
        let entry = &work.entry;
        let mode = match entry.aim() {
            Aim::Access => "",
            Aim::Deletion(mode) => words::mode(mode),
        };
        let (outcome, error, remedy) = match entry.end().map(|end| &end.result) {
            Some(Ok(outcome)) => (words::outcome(*outcome), "", String::new()),
            Some(Err(error)) => ("", words::error_kind(error.kind), remedy(error)),
            None if board.is_held(work) => ("", "held", "the access request on the same person comes first".to_owned()),
            None => ("", "pending", "run the same command again".to_owned()),
        };
        let directory = entry.directory.as_ref().filter(|_| !outcome.is_empty());
        let directory = directory.map(|directory| directory.display().to_string()).unwrap_or_default();
        let jobs = entry.end().map(|end| end.jobs.join(";")).unwrap_or_default();
        let finished_at = entry.end().map(|end| end.at.min(now_s).to_string()).unwrap_or_default();
        let findings = entry.end().map(|end| end.findings.iter().map(|(source, code)| format!("{source} {code}")));
        let findings = findings.map(|findings| findings.collect::<Vec<_>>().join(";")).unwrap_or_default();
        let right = words::right(entry.aim().right());
        let line = [entry.key(), right, mode, outcome, error, &remedy, &directory, &jobs, &finished_at, &findings];
        let _ = writer.write_record(line);
    }
    writer.into_inner().unwrap_or_default()
}

fn remedy(error: &Error) -> String {
    let word = match error.remedy {
        Remedy::Retry(_) => "retry",
        Remedy::Restart => "restart",
        Remedy::Operator => "operator",
        Remedy::GiveUp => "give-up",
    };
    format!("{word}: {}", error.message)
}

/// Prints how many ended in which way, and gives the exit code of all of them together.
pub(super) fn summary(board: &Board, left_out: usize, json: bool) -> Exit {
    let works = board.works();
    let mut ended: BTreeMap<&'static str, usize> = BTreeMap::new();
    for work in works {
        *ended.entry(standing(&work.entry)).or_default() += 1;
    }
    if json {
        print::json(&json::Answer::Batch(json::Batch { requests: works.len(), ended, left_out }));
    } else {
        println!("{} requests", works.len());
        for (how, count) in ended {
            println!("  {how}: {count}");
        }
    }
    let worst = [Exit::Pending, Exit::Error, Exit::OutcomeUnknown, Exit::Failed, Exit::Refused, Exit::Incomplete];
    worst.into_iter().find(|exit| works.iter().any(|work| self::exit(work) == *exit)).unwrap_or(Exit::Done)
}

fn exit(work: &Work) -> Exit {
    match work.entry.end() {
        None => Exit::Pending,
        Some(End { result: Ok(outcome), .. }) => (*outcome).into(),
        Some(End { result: Err(error), .. }) if error.kind == ErrorKind::OutcomeUnknown => Exit::OutcomeUnknown,
        Some(End { result: Err(_), .. }) => Exit::Error,
    }
}
