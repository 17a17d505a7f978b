//! The commands `list`, `status` and `resume`: requests whose state is stored.

use clap::{Args, ValueEnum};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use host_test::journal::Journal;
use privacy_host::contract::{DeletionMode, Request, Right, Stage};
use privacy_host::{Entry, Operation};
use serde::Serialize;

use super::batch::state;
use super::call::{FollowArguments, JournalOptions, Stored};
use super::connection::ConnectionOptions;
use super::errors::CommandError;
use super::evidence::EvidenceSource;
use super::exit::Exit;
use super::follow::EarlierAttempts;
use super::output::Output;
use super::state::{Continuation, StateDirectory, Stored as InDirectory};
use super::{print, terminal};

/// Continues a request from its stored state.
#[derive(Args)]
pub(super) struct ResumeOptions {
    /// The ID of the request
    id: String,
    /// The operation, if several with this ID have not ended
    #[arg(long, value_enum)]
    operation: Option<OperationArgument>,
    /// Overrides a guard for this request: the code of its finding; repeatable
    #[arg(long = "override", value_name = "CODE")]
    overrides: Vec<String>,
    /// Starts a deletion that ended with `outcome-unknown` without a search for its earlier attempts: only after an operator has seen in the
    /// vendor's own system that there is no such job
    #[arg(long)]
    start_anyway: bool,
    #[command(flatten)]
    follow: FollowArguments,
    #[command(flatten)]
    journal: JournalOptions,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

/// Shows the stored state of a request. Makes no call to the vendor.
#[derive(Args)]
pub(super) struct StatusOptions {
    /// The ID of the request
    id: String,
    #[command(flatten)]
    journal: JournalOptions,
}

/// What a stored request asks for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OperationArgument {
    Access,
    Preview,
    Deletion,
    OptOut,
}

/// The stored state of a request, without identifiers.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RequestState {
    request_id: String,
    right: Option<Right>,
    mode: Option<DeletionMode>,
    /// An outcome, the kind of an error, `pending`, or `in-use`.
    state: String,
    ticket: Option<String>,
    /// What the vendor was doing when the request was last polled.
    stage: Option<Stage>,
    /// When the next call is due, if one is.
    next_call_at: Option<String>,
    finished_at: Option<String>,
    directory: Option<String>,
    jobs: Vec<String>,
    /// What an operator has to do, of a request that waits for one.
    message: Option<String>,
}

impl RequestState {
    fn new(entry: &Entry) -> Self {
        let (end, operation) = (entry.end(), entry.operation());
        Self {
            request_id: entry.request_id().to_owned(),
            right: Some(operation.right()),
            mode: match operation {
                Operation::Deletion(mode) => Some(mode),
                Operation::Access | Operation::OptOut => None,
            },
            state: state(entry),
            ticket: entry.ticket().filter(|_| end.is_none()).map(str::to_owned),
            stage: entry.stage().filter(|_| end.is_none()),
            next_call_at: end.is_none().then(|| print::time(entry.due_at_ms() / 1_000)),
            finished_at: end.map(|end| print::time(end.at)),
            directory: entry.directory.as_ref().map(|directory| directory.display().to_string()),
            jobs: end.map(|end| end.jobs.clone()).unwrap_or_default(),
            message: end.and_then(|end| end.result.as_ref().err()).map(|error| error.message.clone()),
        }
    }

    fn in_use(request_id: String) -> Self {
        Self {
            request_id,
            right: None,
            mode: None,
            state: "in-use".to_owned(),
            ticket: None,
            stage: None,
            next_call_at: None,
            finished_at: None,
            directory: None,
            jobs: Vec::new(),
            message: None,
        }
    }

    /// When it ended, or when its next call is due.
    fn time(&self) -> &str {
        self.finished_at.as_deref().or(self.next_call_at.as_deref()).unwrap_or_default()
    }

    /// The state, and what the vendor does meanwhile.
    fn phase(&self) -> String {
        match self.stage {
            Some(stage) => format!("{}: {stage}", self.state),
            None => self.state.clone(),
        }
    }

    fn operation(&self) -> String {
        match (self.right, self.mode) {
            (Some(right), Some(mode)) => format!("{right} ({mode})"),
            (Some(right), None) => right.to_string(),
            (None, _) => String::new(),
        }
    }
}

/// Lists the stored requests.
pub(super) fn list() -> Result<Exit, CommandError> {
    let mut requests = Vec::new();
    for stored in StateDirectory::find()?.entries()? {
        match stored {
            InDirectory::Entries(entries) => requests.extend(entries.iter().map(RequestState::new)),
            InDirectory::InUse(id) => requests.push(RequestState::in_use(id)),
        }
    }
    Output::Requests { requests: &requests }.print_or(|| print_table(&requests));
    Ok(Exit::Done)
}

fn print_table(requests: &[RequestState]) {
    if requests.is_empty() {
        return println!("No request is stored.");
    }
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["ID", "RIGHT", "STATE", "ENDED OR NEXT CALL", "FILES"]);
    for request in requests {
        let directory = request.directory.as_deref().unwrap_or_default();
        table.add_row([&request.request_id, &request.operation(), &request.phase(), request.time(), directory]);
    }
    println!("{}", table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n"));
}

impl StatusOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let journal = self.journal.existing(&self.id)?;
        let requests: Vec<RequestState> = of_id(&journal, &self.id)?.iter().map(RequestState::new).collect();
        Output::Requests { requests: &requests }.print_or(|| requests.iter().for_each(RequestState::print));
        Ok(Exit::Done)
    }
}

impl RequestState {
    fn print(&self) {
        println!("{} {}: {}", self.request_id, self.operation(), self.phase());
        let when = if self.finished_at.is_some() { "ended" } else { "next call" };
        let lines = [
            Some(format!("{when}: {}", self.time())),
            self.directory.as_ref().map(|directory| format!("files: {directory}")),
            (!self.jobs.is_empty()).then(|| format!("jobs: {}", self.jobs.join(", "))),
            self.message.clone(),
        ];
        for line in lines.into_iter().flatten() {
            println!("{}", terminal::wrap(&line, 2));
        }
    }
}

impl ResumeOptions {
    pub(super) async fn run(self) -> Result<Exit, CommandError> {
        let evidence = EvidenceSource::new(self.connection.connector().await?, self.connection.component_sha256());
        if self.journal.journal.is_none() {
            StateDirectory::find()?.must_belong(&self.id, &self.connection.identity()?)?;
        }
        let journal = self.journal.existing(&self.id)?;
        let stored = self.choose(of_id(&journal, &self.id)?)?;
        let mut overrides = stored.overrides().to_vec();
        overrides.extend(self.overrides.iter().filter(|code| !stored.overrides().contains(code)).cloned());
        let request = Request { overrides, ..Request::new(self.id.as_str(), stored.subject().iter().cloned()) };
        let continuation =
            Continuation::resume(&self.id, self.journal.journal.as_deref(), &self.follow, &self.connection);
        let earlier = if self.start_anyway { EarlierAttempts::Forget } else { EarlierAttempts::Find };
        let entry = if stored.is_open() { Entry::new(request, stored.operation()) } else { stored };
        Stored { journal, continuation }.follow(entry, earlier, self.follow, evidence).await
    }

    /// The one operation that is meant.
    fn choose(&self, mut entries: Vec<Entry>) -> Result<Entry, CommandError> {
        if let Some(meant) = self.operation {
            entries.retain(|entry| OperationArgument::of(entry) == meant);
        } else if entries.iter().any(Entry::is_open) {
            entries.retain(Entry::is_open);
        }
        match (entries.pop(), entries.is_empty()) {
            (Some(entry), true) => Ok(entry),
            (Some(_), false) => Err(CommandError::usage("several operations have this ID: give --operation")),
            (None, _) => Err(CommandError::usage(format!("no such operation with the ID {} is stored", self.id))),
        }
    }
}

impl OperationArgument {
    fn of(entry: &Entry) -> Self {
        match entry.operation() {
            Operation::Access => Self::Access,
            Operation::Deletion(DeletionMode::Preview) => Self::Preview,
            Operation::Deletion(_) => Self::Deletion,
            Operation::OptOut => Self::OptOut,
        }
    }
}

/// The entries of a journal with this ID.
fn of_id(journal: &Journal, id: &str) -> Result<Vec<Entry>, CommandError> {
    let entries: Vec<Entry> = journal.entries()?.into_iter().filter(|entry| entry.request_id() == id).collect();
    if entries.is_empty() {
        return Err(CommandError::usage(format!("the journal holds no request {id}")));
    }
    Ok(entries)
}
