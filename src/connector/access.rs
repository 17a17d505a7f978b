//! Access: one export of everything under the addresses, and the contacts of every directory.

use super::call::Call;
use super::contacts;
use super::contract::{
    Amount, Content, Document, Error, Finding, Outcome, Progress, Request, Right, SourceState, Stage, VendorJob,
};
use super::documents;
use super::errors;
use super::follow::{self, Following};
use super::subject::{Subject, check_value};
use super::ticket::{Aim, Reference, Ticket};
use crate::http::{Clock, Transport};
use crate::prelude::*;
use crate::qualtrics::customer_data::{self, Export};
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::job::JobState;
use crate::qualtrics::oauth::Scope;

/// The source of what the export holds.
const RESPONSES: &str = "survey-responses";
/// The operation of the export's job.
const OPERATION: &str = "customer-data-request";

/// `access`. Begins the export; without any address there is none, and the directories are searched at once.
///
/// # Errors
/// As the contract says.
pub fn begin<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, request: &Request) -> Result<Progress, Error> {
    let subject = Subject::read(request)?;
    let jobs = begin_exports(call, &subject)?;
    let ticket = Ticket {
        aim: Aim::Access,
        check: check_value(request, Aim::Access.letter()),
        gathering: jobs.is_empty(),
        jobs,
        submitted_at: call.client.now_s(),
        misses: 0,
        tries: 0,
        hint: None,
        verify: None,
    };
    if ticket.jobs.is_empty() {
        let following = Following { request, subject: &subject, ticket };
        return gather(call, following, &[]);
    }
    Following { request, subject: &subject, ticket }.pending(call, Stage::Exporting, None, None).map(Progress::Pending)
}

/// Begins one export for all addresses; or one for each, where Qualtrics takes no list.
fn begin_exports<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, subject: &Subject) -> Result<Vec<String>, Error> {
    let addresses = subject.addresses();
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let need = call.need(Right::Access);
    // Where the sign-in fails, nothing was begun.
    call.client.sign_in(need).map_err(|trouble| call.error(&trouble, Scope::CustomerData))?;
    let mut answers = call.client.wave(need, &[customer_data::begin(&addresses)]);
    if answers.iter().any(|answer| answer.as_ref().is_err_and(|trouble| matches!(trouble.status(), Some(400 | 422)))) {
        let calls: Vec<_> = addresses.iter().map(customer_data::begin_singular).collect();
        // All of them or none: those that are begun for nothing use the share up, and the next attempt needs it.
        let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
        let wait_for = |count| calls.first().map_or(0, |one| call.client.wait_for(one, count));
        let wait = wait_for(count);
        if wait > 0 {
            // The next attempt begins with the list, too. Where that makes no difference, it is more than there ever is at once.
            let longer = wait_for(count.saturating_add(1));
            if longer == wait {
                return Err(errors::too_small_a_share());
            }
            return Err(call.error(&Trouble::OwnShare(longer), Scope::CustomerData));
        }
        answers = call.client.wave(need, &calls);
    }
    let ids: Vec<Result<String, Trouble>> =
        answers.into_iter().map(|answer| answer.and_then(|answer| customer_data::read_id(&answer))).collect();
    let began_nothing = |id: &Result<String, Trouble>| id.as_ref().is_err_and(Trouble::began_nothing);
    let none_began = ids.iter().all(began_nothing);
    ids.into_iter().collect::<Result<Vec<String>, Trouble>>().map_err(|trouble| {
        if none_began {
            call.error(&trouble, Scope::CustomerData)
        } else {
            // Qualtrics keeps no list of exports: one may be running that nobody will ask for. It only reads.
            Error {
                message: "Qualtrics may or may not have begun an export, which changes nothing: call again with \
                          first-attempt-at."
                    .to_owned(),
                ..Error::outcome_unknown(follow::SOON_MS)
            }
        }
    })
}

/// What became of an access request's exports.
pub fn proceed<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut following: Following<'_>,
    answers: Vec<Result<Export, Trouble>>,
    may_gather: bool,
) -> Result<Progress, Error> {
    let stage = if following.ticket.gathering { Stage::Gathering } else { Stage::Exporting };
    let mut exports = Vec::with_capacity(answers.len());
    for answer in answers {
        match answer {
            Ok(export) => exports.push(export),
            Err(trouble) if matches!(trouble.status(), Some(400 | 404 | 410)) => {
                return following.missed(call, stage);
            }
            Err(Trouble::OwnShare(wait)) => {
                return Ok(Progress::Pending(following.unchanged(call, stage, wait)));
            }
            Err(Trouble::OutOfTime) => {
                return Ok(Progress::Pending(following.unchanged(call, stage, follow::AT_ONCE_MS)));
            }
            Err(trouble) => return Err(call.error(&trouble, Scope::CustomerData)),
        }
    }
    following.ticket.misses = 0;
    if let Some(running) = exports.iter().find(|export| matches!(export.state, JobState::Running { .. })) {
        let percent = exports.iter().filter_map(|export| export.percent).min();
        let known = running.state == JobState::Running { known: true };
        let pending = following.pending(call, stage, running.status.clone(), Some(known))?;
        return Ok(Progress::Pending(super::contract::Pending { percent, ..pending }));
    }
    following.ticket.gathering = true;
    if !may_gather {
        return Ok(Progress::Pending(following.unchanged(call, Stage::Gathering, follow::AT_ONCE_MS)));
    }
    gather(call, following, &exports)
}

/// Reads what was found, everywhere, and reports.
fn gather<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut following: Following<'_>,
    exports: &[Export],
) -> Result<Progress, Error> {
    let patience = following.ticket.tries < follow::MOST_TRIES;
    let subject = following.subject;
    let searched = match contacts::search(call, Right::Access, subject, patience, None) {
        Ok(searched) => searched,
        Err(trouble) => return following.set_back(call, Stage::Gathering, &trouble, Scope::Contacts),
    };
    let mut findings = unusable(subject);
    let files = match export_files(call, &following, exports, patience, &mut findings) {
        Ok(files) => files,
        Err(Trouble::OwnShare(wait)) => {
            // A small share may never be enough for all files at once; in the end they are told without a look at them.
            following.ticket.tries = following.ticket.tries.saturating_add(1);
            return Ok(Progress::Pending(following.unchanged(call, Stage::Gathering, wait)));
        }
        Err(trouble) => return following.set_back(call, Stage::Gathering, &trouble, Scope::CustomerData),
    };
    findings.extend(searched.findings);
    let mut documents = files;
    documents.extend(contacts::documents(call, searched.contacts, &mut findings));
    let submitted_at = (!exports.is_empty()).then_some(following.ticket.submitted_at);
    let outcome = outcome(&findings, !subject.unusable.is_empty());
    let mut report = call.report(following.request, Aim::Access, outcome, submitted_at);
    report.receipt.jobs = exports.iter().zip(&following.ticket.jobs).map(|(export, id)| job_of(export, id)).collect();
    report.findings = findings;
    report.documents = documents;
    report.also_known_as = searched.also_known_as;
    Ok(Progress::Done(Box::new(report)))
}

/// The exports' files as remote documents, and what is to be said of them.
fn export_files<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    following: &Following<'_>,
    exports: &[Export],
    patience: bool,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Document>, Trouble> {
    let subject = following.subject;
    let addresses = subject.addresses();
    let mut documents: Vec<Document> = Vec::new();
    if exports.is_empty() {
        findings.push(Finding {
            amount: Amount::Unknown,
            ..Finding::unanswered(
                RESPONSES,
                SourceState::NotUsable,
                subject.no_addresses.clone(),
                "no-address",
                "Qualtrics exports by e-mail address only, and the request gives none.",
            )
        });
    }
    for (index, (export, job)) in exports.iter().zip(&following.ticket.jobs).enumerate() {
        let names = match addresses.get(index).filter(|_| exports.len() > 1) {
            Some(address) => subject.indices_of(address),
            None => subject.address_indices(),
        };
        if export.state == JobState::Failed {
            let note = "Qualtrics gave the export up; the receipt holds its reason.";
            findings.push(Finding::unanswered(RESPONSES, SourceState::NotAvailable, names, "export-failed", note));
            continue;
        }
        let mut some = false;
        let mut failed: Option<(SourceState, &str)> =
            (export.state == JobState::Partly).then_some((SourceState::NotAvailable, "export-incomplete"));
        for file in &export.files {
            match documents::open_file(call, job, file) {
                Ok(opened) if opened.empty => {}
                Ok(opened) => {
                    some = true;
                    documents.push(document(
                        documents.len(),
                        opened.extension,
                        opened.media_type,
                        opened.size,
                        &opened.reference,
                    ));
                }
                // A limit clears by itself, however long that takes.
                Err(trouble) if trouble.is_passing() && (patience || trouble.status() == Some(429)) => {
                    return Err(trouble);
                }
                Err(
                    trouble @ (Trouble::MissingScopes(_)
                    | Trouble::SignIn(_)
                    | Trouble::NoAnswer(_)
                    | Trouble::Redirected(_)),
                ) if !trouble.is_passing() => {
                    return Err(trouble);
                }
                // The file may be there later: how to ask for it is told, and that it was not seen.
                Err(trouble) if trouble.is_passing() => {
                    let reference = Reference::File { job: job.clone(), file: file.clone(), size: None, tag: None };
                    documents.push(document(documents.len(), "bin", "application/octet-stream", None, &reference));
                    failed = Some((SourceState::NotAvailable, "file-not-answering"));
                }
                Err(trouble) if matches!(trouble.status(), Some(401 | 403)) => {
                    failed = Some((SourceState::NotPermitted, "not-permitted"));
                }
                Err(_) => failed = Some((SourceState::NotAvailable, "file-gone")),
            }
        }
        let amount = if some { Amount::SomeData } else { Amount::Nothing };
        findings.push(match failed {
            None => Finding::searched(RESPONSES, amount, names),
            Some((state, code)) => Finding {
                amount: if some { Amount::SomeData } else { Amount::Unknown },
                ..Finding::unanswered(RESPONSES, state, names, code, "Not every file of the export could be read.")
            },
        });
    }
    Ok(documents)
}

fn document(index: usize, extension: &str, media_type: &str, size: Option<u64>, reference: &Reference) -> Document {
    let number = index.saturating_add(1).to_string();
    Document {
        name: ["export-", &"0".repeat(2_usize.saturating_sub(number.len())), &number, ".", extension].concat(),
        media_type: media_type.to_owned(),
        source: RESPONSES.to_owned(),
        size,
        content: Content::Remote(reference.write()),
    }
}

/// A finding for the names that nothing can use.
pub(super) fn unusable(subject: &Subject) -> Vec<Finding> {
    if subject.unusable.is_empty() {
        return Vec::new();
    }
    let note = "Qualtrics knows no names of this kind.";
    let names = subject.unusable.clone();
    vec![Finding::unanswered("all", SourceState::NotUsable, names, "unknown-kind", note)]
}

/// What the findings come to.
fn outcome(findings: &[Finding], unusable: bool) -> Outcome {
    let answered = |finding: &Finding| finding.state == SourceState::Searched;
    let some = |finding: &Finding| matches!(finding.amount, Amount::Exactly(1..) | Amount::SomeData);
    let export_failed = findings.iter().any(|finding| finding.code == Some("export-failed"));
    if unusable || !findings.iter().all(answered) {
        // If nobody at all answered, the job's failure is the whole story.
        if export_failed && !findings.iter().any(answered) { Outcome::Failed } else { Outcome::Partial }
    } else if findings.iter().any(some) {
        Outcome::Found
    } else {
        Outcome::NothingFound
    }
}

fn job_of(export: &Export, id: &str) -> VendorJob {
    VendorJob {
        operation: OPERATION,
        id: id.to_owned(),
        status: export.status.clone().unwrap_or_default(),
        created: export.created.clone(),
        updated: export.updated.clone(),
        failure: export.failure.clone(),
    }
}
