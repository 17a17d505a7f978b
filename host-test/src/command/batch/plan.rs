//! What a batch would do, for `--check`. Without values: lines and IDs tell the operator enough.

use std::collections::BTreeMap;
use std::path::Path;

use host_test::schedule::Copies;
use privacy_host::contract::{DeletionMode, Identifier, Manifest, Outcome};
use privacy_host::follow::comparable;
use privacy_host::{Entry, Operation};
use serde::Serialize;

use super::super::exit::Exit;
use super::super::output::Output;
use super::input::{Input, Line};
use super::listed;
use super::progress::operation;
use super::validation::column;

/// What a batch would do.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) struct Plan {
    /// How many requests there are of each right and mode.
    operations: BTreeMap<String, usize>,
    /// How many identifiers there are in each column.
    identifiers: BTreeMap<String, usize>,
    /// The requests, in the order of the file.
    requests: Vec<Planned>,
    /// The IDs of requests of one right that share an identifier.
    same_identifiers: Vec<Vec<String>>,
    /// The lines because of which nothing would be started.
    wrong_lines: Vec<WrongLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Planned {
    line: u64,
    id: String,
    operation: String,
    /// How many identifiers it has in each column.
    identifiers: BTreeMap<String, usize>,
    /// The access requests that it waits for.
    waits_for: Vec<String>,
    /// What the connector cannot do of it.
    remark: Option<String>,
}

#[derive(Serialize)]
struct WrongLine {
    line: u64,
    problems: Vec<String>,
}

/// Prints what would be done. The exit code says whether the file is usable.
pub(super) fn show(input: &Input, manifest: &Manifest, json: bool) -> Exit {
    let plan = Plan::new(&input.lines, manifest);
    if json {
        Output::Plan { plan: &plan }.print();
    } else {
        plan.print(&input.path);
    }
    if plan.wrong_lines.is_empty() { Exit::Done } else { Exit::Usage }
}

impl Plan {
    fn new(lines: &[Line], manifest: &Manifest) -> Self {
        let (right, wrong): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.problems.is_empty());
        let entry = |line: &&Line| Some((line.number, Entry::new(line.request.clone(), line.operation?)));
        let (numbers, entries): (Vec<u64>, Vec<Entry>) = right.iter().filter_map(entry).unzip();
        let subjects: Vec<Vec<Identifier>> = entries.iter().map(|entry| entry.subject().to_vec()).collect();
        let copies = Copies::new(&entries, &subjects);
        let id = |index: usize| entries[index].request_id().to_owned();
        let planned = |(index, entry): (usize, &Entry)| Planned {
            line: numbers[index],
            id: id(index),
            operation: operation(entry.operation()),
            identifiers: count(entry.subject().iter().map(column)),
            waits_for: copies.accesses(index).into_iter().map(id).collect(),
            remark: remark(entry, manifest),
        };
        Self {
            operations: count(entries.iter().map(|entry| operation(entry.operation()))),
            identifiers: count(entries.iter().flat_map(Entry::subject).map(column)),
            requests: entries.iter().enumerate().map(planned).collect(),
            same_identifiers: same_identifiers(&entries),
            wrong_lines: wrong
                .into_iter()
                .map(|line| WrongLine { line: line.number, problems: line.problems.clone() })
                .collect(),
        }
    }

    fn print(&self, path: &Path) {
        match self.wrong_lines.len() {
            0 => println!("{} is usable: {} requests", path.display(), self.requests.len()),
            wrong => println!("{} is not usable: {wrong} wrong lines", path.display()),
        }
        for (name, count) in self.operations.iter().chain(&self.identifiers) {
            println!("  {name}: {count}");
        }
        if !self.requests.is_empty() {
            println!("\nRequests. Account guards are evaluated when a deletion is started");
        }
        for request in &self.requests {
            println!("  {}", request.text());
        }
        if !self.same_identifiers.is_empty() {
            println!("\nRequests of one right with the same identifier: check whether they are duplicates");
        }
        for ids in &self.same_identifiers {
            println!("  {}", listed(ids, ", "));
        }
        if !self.wrong_lines.is_empty() {
            println!("\nWrong lines. No request is started until they are correct");
            let lines =
                self.wrong_lines.iter().map(|wrong| format!("  line {}: {}", wrong.line, wrong.problems.join("; ")));
            println!("{}", listed(&lines.collect::<Vec<_>>(), "\n"));
        }
    }
}

impl Planned {
    fn text(&self) -> String {
        let identifiers: Vec<_> = self.identifiers.iter().map(|(column, count)| format!("{count} {column}")).collect();
        let mut text = format!("line {}: {}, {}, {}", self.line, self.id, self.operation, identifiers.join(", "));
        if !self.waits_for.is_empty() {
            text.push_str(&format!("; waits for {}", listed(&self.waits_for, ", ")));
        }
        if let Some(remark) = &self.remark {
            text.push_str(&format!("; {remark}"));
        }
        text
    }
}

/// What the connector says in its manifest that it cannot do of a request.
fn remark(entry: &Entry, manifest: &Manifest) -> Option<String> {
    let right = entry.operation().right();
    let Some(capability) = manifest.capabilities.iter().find(|capability| capability.right == right) else {
        return Some(format!("ends as `unsupported`, because the connector does not support the right {right}"));
    };
    let unused =
        entry.subject().iter().map(column).filter(|column| !capability.identifiers.iter().any(|one| one == column));
    let unused = count(unused);
    let columns = unused.keys().cloned().collect::<Vec<_>>().join(", ");
    match unused.values().sum::<usize>() {
        0 => None,
        all if all == entry.subject().len() && matches!(entry.operation(), Operation::Deletion(_)) => {
            Some(format!("ends as `{}`, because no {right} is possible by {columns}", Outcome::Refused))
        }
        _ => Some(format!("not used, because no {right} is possible by it: {columns}")),
    }
}

/// The IDs of requests of one right that share an identifier, each set of requests once. A preview is no duplicate of the deletion that
/// follows it.
fn same_identifiers(entries: &[Entry]) -> Vec<Vec<String>> {
    let mut sharing: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let is_preview = entry.operation() == Operation::Deletion(DeletionMode::Preview);
        for identifier in entry.subject() {
            let key = (entry.operation().right(), is_preview, comparable(identifier));
            let requests = sharing.entry(key).or_default();
            if requests.last() != Some(&index) {
                requests.push(index);
            }
        }
    }
    let mut sets: Vec<Vec<usize>> = sharing.into_values().filter(|requests| requests.len() > 1).collect();
    sets.sort_unstable();
    sets.dedup();
    sets.into_iter().map(|set| set.into_iter().map(|index| entries[index].request_id().to_owned()).collect()).collect()
}

fn count(names: impl Iterator<Item = impl Into<String>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.into()).or_default() += 1;
    }
    counts
}
