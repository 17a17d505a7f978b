//! What a command prints for people.

use console::style;
use privacy_host::contract::{
    Amount, Connection, Content, Document, Finding, Gap, Identifier, Manifest, Outcome, Pending, Permission, Problem,
    RateLimit, Report, Right, SettingField,
};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::exit::Exit;
use super::terminal;

/// The contract's name of a case whose payload is not printed.
pub(super) fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(members)) => members.into_iter().next().map(|(word, _)| word).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A time in seconds since the Unix epoch, as ISO 8601.
pub(super) fn time(second: u64) -> String {
    let time = i64::try_from(second).ok().and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| second.to_string())
}

/// An outcome in the colour of its exit code.
pub(super) fn outcome(outcome: Outcome) -> String {
    let text = style(outcome.to_string()).bold();
    let text = match Exit::from(outcome) {
        Exit::Done => text.green(),
        Exit::Incomplete => text.yellow(),
        _ => text.red(),
    };
    text.to_string()
}

/// How to go on, and the command for it on a line of its own.
pub(super) fn hint(text: &str, command: Option<&str>) {
    if terminal::is_quiet() {
        return;
    }
    println!("\n{}", terminal::wrap(text, 0));
    if let Some(command) = command {
        println!("  {command}");
    }
}

pub(super) fn manifest(manifest: &Manifest) {
    println!("{} {} ({})", manifest.title, manifest.version, manifest.name);
    section("Settings", manifest.settings.iter().map(setting));
    section("Permissions", manifest.permissions.iter().map(permission));
    section("Egress", manifest.egress.iter().cloned());
    section("Rate limits of the vendor", manifest.limits.iter().map(rate_limit));
    section("Data out of reach", manifest.gaps.iter().map(gap));
}

pub(super) fn connection(connection: &Connection) {
    println!("Tenant {} in {}", connection.tenant, connection.region);
    println!("Account {} ({})", connection.account, connection.role);
    println!("Egress {}", connection.egress.join(", "));
    println!("Granted: {}", connection.granted.join(", "));
    for warning in &connection.warnings {
        println!("{}", terminal::wrap(&format!("{}: {}", style("Warning").yellow(), problem(warning)), 0));
    }
}

pub(super) fn problem(problem: &Problem) -> String {
    let affects = match problem.affects.as_slice() {
        [] => String::new(),
        affects => format!(" (affects {})", rights(affects)),
    };
    format!("{} {}: {}{affects}", problem.code, problem.target, problem.message)
}

/// The state of a pending request, in one line.
pub(super) fn pending(pending: &Pending) -> String {
    let details = [pending.vendor_status.clone(), pending.percent.map(|percent| format!("{percent} %"))];
    let details: Vec<_> = details.into_iter().flatten().collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let attention = pending.attention.as_ref().map(|it| format!(" Attention: {}", problem(it))).unwrap_or_default();
    let seconds = pending.poll_after_ms.div_ceil(1_000);
    format!("{}{details}; next poll in {seconds} s.{attention}", pending.stage)
}

/// A final report. Of all identifiers it prints only those that were discovered, because a person has to confirm them.
pub(super) fn report(report: &Report) {
    println!("{}: {}", report.right, outcome(report.outcome));
    section("Findings", report.findings.iter().map(finding));
    section("Documents", report.documents.iter().map(document));
    section(
        "Discovered identifiers: confirm them, then start another request",
        report.discovered.iter().map(identifier),
    );
    if !report.gaps.is_empty() {
        let codes: Vec<&str> = report.gaps.iter().map(|gap| gap.code.as_str()).collect();
        section("Data out of reach, which `privacy describe` explains", [codes.join(", ")].into_iter());
    }
    println!("\nReceipt of {} for {}", report.receipt.connector, report.receipt.request_id);
    for job in &report.receipt.jobs {
        let failure = job.failure.as_ref().map(|code| format!(", failed: {code}")).unwrap_or_default();
        println!("  {} {}: {}{failure}", job.operation, job.id, job.status);
    }
}

/// A title and its lines; nothing if there are none.
fn section(title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            println!("\n{}", style(title).bold());
        }
        println!("{}", terminal::wrap(&line, 2));
    }
}

fn setting(field: &SettingField) -> String {
    let required = if field.required { ", required" } else { "" };
    let default = field.default.as_ref().map(|value| format!(", default {value}")).unwrap_or_default();
    let mut text = format!("{} ({}{required}{default}): {}", field.key, field.kind, field.help);
    for (value, label) in &field.choices {
        text.push_str(&format!("\n      {value}: {label}"));
    }
    text
}

fn permission(permission: &Permission) -> String {
    let uses = [("required for", &permission.required_for), ("optional for", &permission.optional_for)];
    let uses = uses.iter().filter(|(_, rights)| !rights.is_empty());
    let uses: Vec<_> = uses.map(|(word, rights)| format!("{word} {}", self::rights(rights))).collect();
    format!("{} ({})", permission.name, uses.join("; "))
}

fn rate_limit(limit: &RateLimit) -> String {
    let methods = if limit.methods.is_empty() { "any method".to_owned() } else { limit.methods.join(" ") };
    format!("{}: {methods} {}, {} calls a minute", limit.name, limit.path, limit.calls_per_minute)
}

fn gap(gap: &Gap) -> String {
    let rights = if gap.rights.is_empty() { String::new() } else { format!(" ({})", rights(&gap.rights)) };
    format!("{}{rights}: {} {}", gap.code, gap.description, gap.advice)
}

fn document(document: &Document) -> String {
    let size = match &document.content {
        Content::Inline(bytes) => Some(bytes.len() as u64),
        Content::Remote(_) => document.size,
    };
    let size = size.map_or_else(|| "size unknown".to_owned(), |size| format!("{size} bytes"));
    format!("{} ({}, {size}), from {}", document.name, document.media_type, document.source)
}

fn identifier(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Email(value) => format!("email: {value}"),
        Identifier::Phone(value) => format!("phone: {value}"),
        Identifier::ExternalId(value) => format!("external-id: {value}"),
        Identifier::Other((kind, value)) => format!("{kind}: {value}"),
    }
}

/// Identifiers are printed as their numbers in the order of the options, because a screen may be seen by others.
fn finding(finding: &Finding) -> String {
    let amount = match &finding.amount {
        Amount::Count(count) => count.to_string(),
        other => word(other),
    };
    let numbers: Vec<_> = finding.identifiers.iter().map(|index| (u64::from(*index) + 1).to_string()).collect();
    let numbers = if numbers.is_empty() { String::new() } else { format!(" [identifier {}]", numbers.join(", ")) };
    let code = finding.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let note = finding.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default();
    format!("{}: {}, {amount}{numbers}{code}{note}", finding.source, finding.state)
}

fn rights(rights: &[Right]) -> String {
    rights.iter().map(Right::to_string).collect::<Vec<_>>().join(", ")
}
