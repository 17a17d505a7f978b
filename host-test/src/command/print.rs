//! What a person reads.

use host_test::host::contract::{Amount, Connection, Content, Finding, Manifest, Pending, Problem, Report, Right};

use super::words;

/// One object, on standard output.
pub(super) fn json(answer: &super::json::Answer<'_>) {
    println!("{}", serde_json::to_string_pretty(answer).unwrap_or_default());
}

pub(super) fn manifest(manifest: &Manifest) {
    println!("{} {} ({})", manifest.title, manifest.version, manifest.name);
    println!("\nSettings");
    for field in &manifest.settings {
        let required = if field.required { ", required" } else { "" };
        let default = field.default.as_ref().map(|value| format!(", default {value}")).unwrap_or_default();
        println!("  {} ({}{required}{default}): {}", field.key, words::setting_kind(field.kind), field.help);
        for (value, label) in &field.choices {
            println!("      {value}: {label}");
        }
    }
    println!("\nPermissions");
    for permission in &manifest.permissions {
        println!("  {} (for {})", permission.name, rights(&permission.needed_for));
    }
    println!("\nReaches");
    for origin in &manifest.egress {
        println!("  {origin}");
    }
    println!("\nLimits of the vendor");
    for limit in &manifest.limits {
        println!(
            "  {}: {} {}…, {} calls a minute",
            limit.name,
            limit.methods.join(" "),
            limit.path_prefix,
            limit.calls_per_minute
        );
    }
    println!("\nDoes not reach");
    for gap in &manifest.gaps {
        println!("  {}: {} {}", gap.code, gap.description, gap.advice);
    }
}

pub(super) fn connection(connection: &Connection) {
    println!("Tenant {} in {}", connection.tenant, connection.region);
    println!("Acts as {} ({})", connection.account, connection.role);
    println!("Reaches {}", connection.egress.join(", "));
    println!("Proved: {}", connection.granted.join(", "));
    for warning in &connection.warnings {
        println!("Warning: {}", problem(warning));
    }
}

pub(super) fn problem(problem: &Problem) -> String {
    let blocks = match problem.blocks.as_slice() {
        [] => String::new(),
        blocks => format!(" (stands in the way of {})", rights(blocks)),
    };
    format!("{} {}: {}{blocks}", problem.code, problem.subject, problem.message)
}

/// Where a request stands, in one line.
pub(super) fn progress(pending: &Pending) -> String {
    let details = [pending.vendor_status.clone(), pending.percent.map(|percent| format!("{percent} %"))];
    let details: Vec<_> = details.into_iter().flatten().collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let attention = pending.attention.as_ref().map(|it| format!(" Attention: {}", problem(it))).unwrap_or_default();
    let seconds = pending.poll_after_ms.div_ceil(1_000);
    format!("{}{details}; next look in {seconds} s.{attention}", words::stage(pending.stage))
}

pub(super) fn report(report: &Report) {
    println!("{}: {}", words::right(report.right), words::outcome(report.outcome));
    for finding in &report.findings {
        println!("  {}", self::finding(finding));
    }
    if !report.documents.is_empty() {
        println!("\nDocuments");
    }
    for document in &report.documents {
        let size = match &document.content {
            Content::Inline(bytes) => Some(bytes.len() as u64),
            Content::Remote(_) => document.size,
        };
        let size = size.map_or_else(|| "size unknown".to_owned(), |size| format!("{size} bytes"));
        println!("  {} ({}, {size}), from {}", document.name, document.media_type, document.source);
    }
    if !report.also_known_as.is_empty() {
        println!("\nAlso known as; ask again with those that you confirm");
    }
    for (kind, value) in report.also_known_as.iter().map(words::identifier) {
        println!("  {kind}: {value}");
    }
    if !report.gaps.is_empty() {
        println!("\nNot reached");
    }
    for gap in &report.gaps {
        println!("  {}: {} {}", gap.code, gap.description, gap.advice);
    }
    println!("\nReceipt of {} for {}", report.receipt.connector, report.receipt.request_key);
    for job in &report.receipt.jobs {
        let failure = job.failure.as_ref().map(|code| format!(", failed: {code}")).unwrap_or_default();
        println!("  {} {}: {}{failure}", job.operation, job.id, job.status);
    }
}

/// Names stand as their numbers in the order of the options: the person behind them is nobody's business on a screen.
fn finding(finding: &Finding) -> String {
    let amount = match finding.amount {
        Amount::Nothing => "nothing".to_owned(),
        Amount::Exactly(count) => count.to_string(),
        Amount::SomeData => "some data".to_owned(),
        Amount::Unknown => "unknown".to_owned(),
    };
    let names: Vec<_> = finding.names.iter().map(|index| (u64::from(*index) + 1).to_string()).collect();
    let names = if names.is_empty() { String::new() } else { format!(" [name {}]", names.join(", ")) };
    let code = finding.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let note = finding.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default();
    format!("{}: {}, {amount}{names}{code}{note}", finding.source, words::source_state(finding.state))
}

fn rights(rights: &[Right]) -> String {
    rights.iter().map(|right| words::right(*right)).collect::<Vec<_>>().join(", ")
}
