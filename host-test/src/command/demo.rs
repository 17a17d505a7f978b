//! The command `demo`: all operations, from the connection test to a refused deletion, on a simulated brand.
//!
//! Host, component and connections are those of a real brand. Only Qualtrics and the clock are simulated.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use host_test::COMPONENT;
use host_test::host::contract::{
    DeletionMode, Error, Identifier, Outcome, Pending, Progress, Report, Request, Right, Setting, Task,
};
use host_test::host::{EgressPolicy, Host, Instance, InstanceOptions, Options as HostOptions};
use host_test::simulator::{
    Brand, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator,
};
use indicatif::ProgressBar;

use super::errors::CommandError;
use super::exit::Exit;
use super::follow::single;
use super::{print, save};

/// How long a pending state stays visible on a terminal.
const DISPLAY_TIME: Duration = Duration::from_millis(350);
/// More polls than any request of the demonstration needs.
const MAX_POLLS: u32 = 50;

/// All operations on a simulated brand.
#[derive(Args)]
pub(super) struct DemoOptions {
    /// A new directory for the documents of the access request; by default in the directory for temporary files
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Another build of the component than the one in this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// The result of one step, and whether it is the expected one.
struct Row {
    step: &'static str,
    ended: String,
    evidence: String,
    calls: usize,
    good: bool,
}

struct Demonstration {
    simulator: Simulator,
    instance: Instance,
    terminal: bool,
    rows: Vec<Row>,
}

impl DemoOptions {
    pub(super) async fn run(self) -> Result<Exit, CommandError> {
        let directory =
            self.out.unwrap_or_else(|| std::env::temp_dir().join(format!("qualtrics-demo-{}", std::process::id())));
        save::must_not_exist(&directory)?;
        let component = match &self.component {
            None => Cow::Borrowed(COMPONENT),
            Some(file) => Cow::Owned(
                std::fs::read(file)
                    .map_err(|error| CommandError::usage(format!("{} cannot be read: {error}", file.display())))?,
            ),
        };
        let mut demonstration = Demonstration::start(&component).await?;
        demonstration.run(&directory).await?;
        demonstration.print(&directory);
        let good = demonstration.rows.iter().all(|row| row.good);
        Ok(if good { Exit::Done } else { Exit::Error })
    }
}

impl Demonstration {
    async fn start(component: &[u8]) -> Result<Self, CommandError> {
        let simulator = Simulator::start(Brand::sample(), Options::default())
            .await
            .map_err(|error| CommandError::local(Exit::Error, format!("no port on 127.0.0.1 can be used: {error}")))?;
        let plugin = Host::new(HostOptions::default())?.load(component)?;
        let egress = EgressPolicy::deny_all()
            .allow(&simulator.origin())
            .map_err(|error| CommandError::local(Exit::Error, error.to_string()))?;
        let options = InstanceOptions { egress, clock: simulator.clock(), ..InstanceOptions::default() };
        let mut instance = plugin.instantiate(options).await?;
        let manifest = instance.describe().await?;
        println!("{} connector {}, a component of {} bytes.", manifest.title, manifest.version, component.len());
        println!("It imports only");
        for import in plugin.imports() {
            println!("  {import}");
        }
        println!(
            "and needs egress to {}; here it is permitted {} alone.",
            manifest.egress.join(", "),
            simulator.origin()
        );
        println!();
        let settings = [
            ("datacenter-id", "fra1"),
            ("client-id", SAMPLE_CLIENT_ID),
            ("client-secret", SAMPLE_CLIENT_SECRET),
            ("base-url", &simulator.origin()),
        ];
        let settings: Vec<Setting> =
            settings.map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() }).into();
        instance.configure(&settings).await??;
        Ok(Self { simulator, instance, terminal: std::io::stdout().is_terminal(), rows: Vec::new() })
    }

    async fn run(&mut self, directory: &Path) -> Result<(), CommandError> {
        self.check().await?;
        let report = self.access("access", "demo-1", Outcome::Found).await?;
        if let Some(report) = report {
            save::save(&mut self.instance, &self.simulator.clock(), &report, directory).await?;
        }
        self.delete("preview", "demo-2", SAMPLE_PERSON, DeletionMode::Preview, Outcome::Previewed).await?;
        self.delete("deletion", "demo-3", SAMPLE_PERSON, DeletionMode::EraseAndVerify, Outcome::Verified).await?;
        self.access("access, again", "demo-4", Outcome::NotFound).await?;
        let own = "deletion of the connection's own account";
        self.delete(own, "demo-5", SAMPLE_ADMINISTRATOR, DeletionMode::Erase, Outcome::Refused).await?;
        let kept = !self.simulator.holdings(SAMPLE_ADMINISTRATOR).is_empty();
        let gone = self.simulator.holdings(SAMPLE_PERSON).is_empty();
        let jobs = self.simulator.erasures();
        let erases = |email: &String| email == SAMPLE_PERSON;
        let once = jobs.iter().filter(|job| !job.search_only && job.emails.iter().any(erases)).count() == 1;
        self.rows.push(Row {
            step: "the simulated brand itself",
            ended: if gone && kept && once { "as reported" } else { "not as reported" }.to_owned(),
            evidence: format!("person gone: {gone}; account kept: {kept}; erased once: {once}"),
            calls: 0,
            good: gone && kept && once,
        });
        Ok(())
    }

    async fn check(&mut self) -> Result<(), CommandError> {
        let before = self.simulator.calls().len();
        let connection = self.instance.check(&[Right::Access, Right::Deletion]).await?;
        let (ended, evidence, good) = match connection {
            Ok(connection) => {
                let evidence = format!("{} permissions of {} verified", connection.granted.len(), connection.tenant);
                ("connected".to_owned(), evidence, connection.warnings.is_empty())
            }
            Err(error) => (error.kind.to_string(), error.message, false),
        };
        self.row("connection test", ended, evidence, before, good);
        Ok(())
    }

    async fn access(
        &mut self,
        step: &'static str,
        id: &str,
        good: Outcome,
    ) -> Result<Option<Box<Report>>, CommandError> {
        let request = request(id, SAMPLE_PERSON);
        let before = self.simulator.calls().len();
        let started = single(self.instance.access(std::slice::from_ref(&request)).await?)?;
        let end = self.follow(step, &request, started).await?;
        Ok(self.ended(step, end, good, before))
    }

    async fn delete(
        &mut self,
        step: &'static str,
        id: &str,
        address: &str,
        mode: DeletionMode,
        good: Outcome,
    ) -> Result<(), CommandError> {
        let request = request(id, address);
        let before = self.simulator.calls().len();
        let started = single(self.instance.delete(std::slice::from_ref(&request), mode).await?)?;
        let end = self.follow(step, &request, started).await?;
        self.ended(step, end, good, before);
        Ok(())
    }

    /// Polls at the times that the connector asks for. The simulated clock moves instead of a wait.
    async fn follow(
        &mut self,
        step: &str,
        request: &Request,
        started: Result<Progress, Error>,
    ) -> Result<Result<Box<Report>, Error>, CommandError> {
        let mut progress = started;
        for _ in 0..MAX_POLLS {
            let pending = match progress {
                Ok(Progress::Done(report)) => return Ok(Ok(Box::new(report))),
                Err(error) => return Ok(Err(error)),
                Ok(Progress::Pending(pending)) => pending,
            };
            self.wait(step, &pending).await;
            let task = Task::new(request.clone(), pending.ticket);
            progress = single(self.instance.poll(&[task]).await?)?;
        }
        Err(CommandError::local(Exit::Error, format!("{step} did not end after {MAX_POLLS} polls")))
    }

    async fn wait(&self, step: &str, pending: &Pending) {
        let line = format!("{step}: {}", print::pending(pending));
        if self.terminal {
            let spinner = ProgressBar::new_spinner().with_message(line);
            spinner.enable_steady_tick(Duration::from_millis(80));
            tokio::time::sleep(DISPLAY_TIME).await;
            spinner.finish_and_clear();
        } else {
            println!("{line}");
        }
        self.simulator.advance(Duration::from_millis(pending.poll_after_ms));
    }

    fn ended(
        &mut self,
        step: &'static str,
        end: Result<Box<Report>, Error>,
        good: Outcome,
        before: usize,
    ) -> Option<Box<Report>> {
        match end {
            Ok(report) => {
                let ended = report.outcome.to_string();
                self.row(step, ended, evidence(&report), before, report.outcome == good);
                Some(report)
            }
            Err(error) => {
                self.row(step, error.kind.to_string(), error.message, before, false);
                None
            }
        }
    }

    fn row(&mut self, step: &'static str, ended: String, evidence: String, before: usize, good: bool) {
        let calls = self.simulator.calls().len().saturating_sub(before);
        if !self.terminal {
            println!("{step}: {ended}; {evidence}; {calls} calls");
        }
        self.rows.push(Row { step, ended, evidence, calls, good });
    }

    fn print(&self, directory: &Path) {
        if self.terminal {
            let mut table = Table::new();
            let (_, width) = console::Term::stdout().size();
            table
                .load_preset(UTF8_FULL_CONDENSED)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
            table.set_header(["", "step", "result", "evidence", "calls"]);
            for row in &self.rows {
                let mark = if row.good { "✓" } else { "✗" };
                table.add_row([mark, row.step, &row.ended, &row.evidence, &row.calls.to_string()]);
            }
            println!("{table}");
        }
        let bad: Vec<&str> = self.rows.iter().filter(|row| !row.good).map(|row| row.step).collect();
        println!("\nThe documents of the access request are in {}.", directory.display());
        if bad.is_empty() {
            println!("Every step ended as expected.");
        } else {
            println!("Not as expected: {}.", bad.join(", "));
        }
    }
}

/// What a report shows, in one line and without identifiers.
fn evidence(report: &Report) -> String {
    let mut line = String::new();
    if !report.documents.is_empty() {
        let _ = write!(line, "{} documents; ", report.documents.len());
    }
    let jobs: Vec<String> =
        report.receipt.jobs.iter().map(|job| format!("{} {}", job.operation, job.status.to_lowercase())).collect();
    if !jobs.is_empty() {
        let _ = write!(line, "{}; ", jobs.join(", "));
    }
    let codes: Vec<&str> = report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect();
    if !codes.is_empty() {
        let _ = write!(line, "{}; ", codes.join(", "));
    }
    let sources = report.findings.len();
    let _ = write!(line, "{sources} finding{}", if sources == 1 { "" } else { "s" });
    line
}

fn request(id: &str, address: &str) -> Request {
    Request::new(id, [Identifier::email(address)])
}
