//! Tickets that are damaged, or belong to another request.

use privacy_host::contract::{ErrorKind, Remedy, Request, Task};

use crate::fixture::{email, pending};
use crate::in_progress::InProgress;
use crate::{huge, rejected, task};

/// The maximum number of tasks per call in these tests.
const TASKS: usize = 10_000;

/// The text with each of the lower seven bits of one byte flipped, so that it stays ASCII. The connector ignores surrounding whitespace,
/// so no outer byte becomes whitespace.
pub fn flipped(text: &str, position: usize) -> impl Iterator<Item = String> {
    (0..7).filter_map(move |bit| {
        let mut bytes = text.to_owned().into_bytes();
        bytes[position] ^= 1 << bit;
        let is_inner = 0 < position && position + 1 < bytes.len();
        (is_inner || !bytes[position].is_ascii_whitespace()).then(|| String::from_utf8(bytes).expect("ASCII"))
    })
}

/// Asserts that damaged tickets are invalid. The request IDs of a call are unique, so that only the tickets are wrong.
async fn assert_all_invalid(in_progress: &mut InProgress, damaged: Vec<(Request, String)>) {
    let count = damaged.len();
    let tasks: Vec<Task> = damaged.into_iter().map(|(request, ticket)| Task { request, ticket }).collect();
    let mut round: Vec<Task> = Vec::new();
    let mut rounds: Vec<Vec<Task>> = Vec::new();
    for task in tasks {
        // A ticket is bound to its request ID, so tasks with the same ID are polled in different calls.
        if round.len() == TASKS || round.iter().any(|other| other.request.id == task.request.id) {
            rounds.push(std::mem::take(&mut round));
        }
        round.push(task);
    }
    rounds.push(round);
    println!("{count} damaged tickets in {} calls", rounds.len());
    for tasks in rounds {
        let results = in_progress.fixture.instance.poll(&tasks).await.expect("a result");
        assert_eq!(results.len(), tasks.len());
        for result in results {
            let error = rejected(result, &[ErrorKind::InvalidTicket]);
            assert_eq!(error.remedy, Remedy::GiveUp);
        }
    }
    assert!(in_progress.fixture.simulator.calls().is_empty());
}

#[tokio::test]
async fn tickets_that_are_cut_spliced_or_flipped_are_invalid_and_nothing_is_sent() {
    let mut in_progress = InProgress::new().await;
    let tickets = in_progress.tickets().map(Clone::clone);
    let longest = tickets.iter().map(|(_, ticket)| ticket.len()).max().unwrap_or_default();
    let mut damaged: Vec<(Request, String)> = Vec::new();
    // Interleaved, so that a call can hold one task of each request.
    for position in 0..longest {
        let mut of_each: Vec<Vec<(Request, String)>> = Vec::new();
        for (request, ticket) in tickets.iter().filter(|(_, ticket)| position < ticket.len()) {
            let mut texts = vec![ticket[..position].to_owned(), ticket[position + 1..].to_owned()];
            texts.extend(flipped(ticket, position));
            for (_, other) in &tickets {
                let spliced = [&ticket[..position], &other[position.min(other.len())..]].concat();
                if !tickets.iter().any(|(_, whole)| *whole == spliced) {
                    texts.push(spliced);
                }
            }
            of_each.push(texts.into_iter().map(|text| (request.clone(), text)).collect());
        }
        for index in 0..of_each.iter().map(Vec::len).max().unwrap_or_default() {
            damaged.extend(of_each.iter().filter_map(|texts| texts.get(index).cloned()));
        }
    }
    let reference = in_progress.reference.clone();
    for (request, ticket) in &tickets {
        for text in [huge(), reference.clone(), ticket.repeat(2), ticket.replacen("t1.", "t2.", 1)] {
            damaged.push((request.clone(), text));
        }
    }
    assert_all_invalid(&mut in_progress, damaged).await;
}

#[tokio::test]
async fn tickets_of_other_requests_are_invalid_and_nothing_is_sent() {
    let mut in_progress = InProgress::new().await;
    let mut tasks = Vec::new();
    for (index, (request, _)) in in_progress.tickets().into_iter().enumerate() {
        for (other, (_, ticket)) in in_progress.tickets().into_iter().enumerate() {
            if index != other {
                tasks.push(task(request, ticket.clone()));
            }
        }
    }
    // The same ID with another person, and the same person with another ID.
    let (deletion, ticket) = in_progress.deletion.clone();
    for request in [
        Request { id: "another".to_owned(), ..deletion.clone() },
        Request { subject: vec![email("d@example.org")], ..deletion.clone() },
        Request { subject: deletion.subject[..1].to_vec(), ..deletion.clone() },
    ] {
        tasks.push(task(&request, ticket.clone()));
    }
    for task in tasks {
        let results = in_progress.fixture.instance.poll(&[task]).await.expect("a result");
        results.into_iter().for_each(|result| drop(rejected(result, &[ErrorKind::InvalidTicket])));
    }
    assert!(in_progress.fixture.simulator.calls().is_empty());
    pending(in_progress.fixture.poll(&deletion, &ticket).await);
}
