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
use indicatif::ProgressBar;
use privacy_host::contract::{DeletionMode, Identifier, Outcome, Pending, Report, Request, Right, Setting, VendorJob};
use privacy_host::{Connector, ConnectorError, ConnectorOptions, Event, Host, Operation};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Options, SAMPLE_ADMINISTRATOR, SAMPLE_PERSON, SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET,
    Simulator,
};
use sha2::{Digest, Sha256};

use super::connection::host_options;
use super::errors::CommandError;
use super::evidence::EvidenceSource;
use super::exit::Exit;
use super::network::read;
use super::{print, save};

/// More polls than any step needs.
const MAX_POLLS: u32 = 50;
/// How long a pending state stays visible on a terminal.
const DISPLAY_TIME: Duration = Duration::from_millis(350);

/// All operations on a simulated brand.
#[derive(Args)]
pub(super) struct DemoOptions {
    /// A new directory for the documents of the access request; by default in the directory for temporary files
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    connector: Connector,
    evidence: EvidenceSource,
    terminal: bool,
    rows: Vec<Row>,
}

impl DemoOptions {
    pub(super) async fn run(self, plugin: Option<PathBuf>) -> Result<Exit, CommandError> {
        let directory =
            self.out.unwrap_or_else(|| std::env::temp_dir().join(format!("qualtrics-demo-{}", std::process::id())));
        save::prepare(&directory)?;
        let component = match plugin {
            None => Cow::Borrowed(CONNECTOR),
            Some(file) => Cow::Owned(read(&file)?),
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
        let plugin = Host::new(host_options())?.load(component)?;
        let settings = [
            ("datacenter-id", "fra1"),
            ("client-id", SAMPLE_WRITER_CLIENT_ID),
            ("client-secret", SAMPLE_WRITER_CLIENT_SECRET),
            ("base-url", &simulator.origin()),
        ];
        let settings = settings.map(|(key, value)| Setting::new(key, value)).to_vec();
        let options = ConnectorOptions {
            extra_origins: vec![simulator.origin()],
            clock: simulator.clock(),
            ..ConnectorOptions::default()
        };
        let connector = Connector::new(plugin.clone(), settings, options).await?;
        let manifest = connector.manifest();
        println!("{} connector {}, a component of {} bytes.", manifest.title, manifest.version, component.len());
        println!("It imports only");
        for import in plugin.imports() {
            println!("  {import}");
        }
        println!("and needs egress to {}; here it also has {}.", manifest.egress.join(", "), simulator.origin());
        println!();
        let evidence = EvidenceSource::new(connector.clone(), format!("{:x}", Sha256::digest(component)));
        Ok(Self { simulator, connector, evidence, terminal: std::io::stdout().is_terminal(), rows: Vec::new() })
    }

    async fn run(&mut self, directory: &Path) -> Result<(), CommandError> {
        self.check().await?;
        self.access("access", "demo-1", Outcome::Found, Some(directory)).await?;
        self.step("opt-out", Operation::OptOut, request("demo-6", SAMPLE_PERSON), Outcome::OptedOut, None).await?;
        self.delete("preview", "demo-2", SAMPLE_PERSON, DeletionMode::Preview, Outcome::Previewed).await?;
        self.delete("deletion", "demo-3", SAMPLE_PERSON, DeletionMode::EraseAndVerify, Outcome::Verified).await?;
        self.access("access, again", "demo-4", Outcome::NotFound, None).await?;
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
        let (ended, evidence, good) = match self.connector.check(&[Right::Access, Right::Deletion, Right::OptOut]).await
        {
            Ok(connection) => {
                let evidence = format!("{} permissions of {} verified", connection.granted.len(), connection.tenant);
                ("connected".to_owned(), evidence, connection.warnings.is_empty())
            }
            Err(ConnectorError::Contract(error)) => (error.kind.to_string(), error.message, false),
            Err(error) => return Err(error.into()),
        };
        self.row("connection test", ended, evidence, before, good);
        Ok(())
    }

    async fn access(
        &mut self,
        step: &'static str,
        id: &str,
        good: Outcome,
        save_to: Option<&Path>,
    ) -> Result<(), CommandError> {
        self.step(step, Operation::Access, request(id, SAMPLE_PERSON), good, save_to).await
    }

    async fn delete(
        &mut self,
        step: &'static str,
        id: &str,
        address: &str,
        mode: DeletionMode,
        good: Outcome,
    ) -> Result<(), CommandError> {
        self.step(step, Operation::Deletion(mode), request(id, address), good, None).await
    }

    /// Follows a request to its end. The simulated clock moves instead of a wait.
    async fn step(
        &mut self,
        step: &'static str,
        operation: Operation,
        request: Request,
        good: Outcome,
        save_to: Option<&Path>,
    ) -> Result<(), CommandError> {
        let before = self.simulator.calls().len();
        let connector = self.connector.clone();
        let mut follower = connector.follow(operation, [request]);
        let mut polls = 0;
        while let Some(update) = follower.next().await? {
            match update.event {
                Event::Pending(_) if polls == MAX_POLLS => {
                    let message = format!("{step} did not end after {MAX_POLLS} polls");
                    return Err(CommandError::local(Exit::Error, message));
                }
                Event::Pending(pending) => {
                    polls += 1;
                    self.show(step, &pending).await;
                }
                Event::Reported(report) => {
                    let (entry, ended) = (update.entry.clone(), report.outcome.to_string());
                    self.row(step, ended, evidence(&report), before, report.outcome == good);
                    if let Some(directory) = save_to {
                        let instance = follower.instance().await?;
                        save::save(instance, &self.evidence, &entry, &report, directory).await?;
                    }
                    return Ok(());
                }
                Event::Failed(error) => {
                    self.row(step, error.kind.to_string(), error.message, before, false);
                    return Ok(());
                }
                Event::Lost(error) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    async fn show(&self, step: &str, pending: &Pending) {
        let line = format!("{step}: {}", print::pending(pending));
        if self.terminal {
            let spinner = ProgressBar::new_spinner().with_message(line);
            spinner.enable_steady_tick(Duration::from_millis(80));
            tokio::time::sleep(DISPLAY_TIME).await;
            spinner.finish_and_clear();
        } else {
            println!("{line}");
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
    let job = |job: &VendorJob| format!("{} {}", job.operation, job.status.to_lowercase()).trim_end().to_owned();
    let jobs: Vec<String> = report.receipt.jobs.iter().map(job).collect();
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

#[cfg(test)]
mod tests {
    use qualtrics_simulator::JobEnd;

    use super::*;

    #[tokio::test]
    async fn a_job_that_never_ends_ends_the_demonstration_after_fifty_polls() {
        let mut demonstration = Demonstration::start(CONNECTOR).await.unwrap_or_else(|error| panic!("{error}"));
        demonstration.simulator.set_next_jobs(JobEnd::NeverEnds);
        let error = demonstration.access("access", "demo-1", Outcome::Found, None).await.expect_err("an error");
        assert_eq!(error.exit(), Exit::Error);
        assert_eq!(error.to_string(), "access did not end after 50 polls");
    }
}
