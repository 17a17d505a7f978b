//! Deletion: guarded, begun once, followed to its end, and verified.

use super::access;
use super::call::Call;
use super::contacts;
use super::contract::{
    Amount, DeletionMode, Error, Finding, Outcome, Pending, Progress, Remedy, Report, Request, Right, SourceState,
    Stage, VendorJob,
};
use super::follow::{self, Following};
use super::guard;
use super::settings::DeletionBehavior;
use super::subject::{Subject, check_value};
use super::ticket::{Aim, Ticket, Verification};
use crate::http::{Clock, Transport};
use crate::order;
use crate::prelude::*;
use crate::qualtrics::envelope::{Answer, Trouble};
use crate::qualtrics::erasure::{self, Erasure, Hints, Match};
use crate::qualtrics::job::JobState;
use crate::qualtrics::oauth::Scope;
use crate::qualtrics::timestamp;
use crate::secret::Secret;

/// The source of what a job of Qualtrics' reaches: everything that is tied to an address.
const SOURCE: &str = "personal-data";

/// For so long after an attempt was begun its job may still appear in Qualtrics' list, in seconds: guards come before it,
/// Qualtrics ends a call of its own after 5 seconds (fact sheet 3.4), and a list may lag behind.
const SETTLING_S: u64 = 60;
/// After so long a list that does not show what is needed will not show it any more, in seconds.
const HOPELESS_S: u64 = 600;
/// How exact the correction of clocks by `Date` is, in seconds.
const CLOCK_SLACK_S: u64 = 5;
/// When a look at the list that was cut short goes on, in milliseconds.
const NEXT_PASS_MS: u64 = 60_000;

/// `delete`.
///
/// # Errors
/// As the contract says.
pub fn begin<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    request: &Request,
    mode: DeletionMode,
) -> Result<Progress, Error> {
    let subject = Subject::read(request)?;
    let aim = Aim::from(mode);
    let addresses = subject.addresses();
    if addresses.is_empty() {
        return refuse_without_address(call, request, &subject, aim);
    }
    let search_only = aim == Aim::Preview;
    let mut findings = Vec::new();
    let adopted = match request.first_attempt_at {
        Some(attempt) => adopt_earlier(call, &addresses, search_only, attempt)?,
        None => None,
    };
    let (job, submitted_at) = match adopted {
        Some(job) => {
            let now = call.client.now_s();
            (job.id, job.created_s.map_or(now, |created| call.client.at_host(created).min(now)))
        }
        None => {
            let verdict = guard::try_guards(call, request, &subject)?;
            if verdict.refused && !search_only {
                let mut report = call.report(request, aim, Outcome::Refused, None);
                report.findings = verdict.findings;
                return Ok(Progress::Done(Box::new(report)));
            }
            findings = verdict.findings;
            (begin_job(call, &addresses, search_only)?, call.client.now_s())
        }
    };
    let ticket = Ticket {
        aim,
        check: check_value(request, aim.letter()),
        jobs: vec![job],
        submitted_at,
        misses: 0,
        tries: 0,
        gathering: false,
        hint: None,
        verify: None,
    };
    if aim == Aim::Erase && call.settings.deletion_behavior == DeletionBehavior::CompleteOnSubmission {
        return submitted(call, request, &subject, ticket, findings);
    }
    let stage = if search_only { Stage::Searching } else { Stage::Erasing };
    Following { request, subject: &subject, ticket }.pending(call, stage, None, None).map(Progress::Pending)
}

/// By the connection's settings the end is not awaited.
fn submitted<T: Transport, C: Clock>(
    call: &Call<'_, T, C>,
    request: &Request,
    subject: &Subject,
    ticket: Ticket,
    findings: Vec<Finding>,
) -> Result<Progress, Error> {
    let mut report = call.report(request, ticket.aim, Outcome::Submitted, Some(ticket.submitted_at));
    report.findings = findings;
    report.findings.extend(unusable(subject));
    report.findings.push(Finding::searched(SOURCE, Amount::Unknown, subject.address_indices()));
    report.receipt.jobs = ticket.jobs.iter().map(|id| unseen_job("erasure", id)).collect();
    report.ticket = Some(ticket.write()?);
    Ok(Progress::Done(Box::new(report)))
}

/// A telephone number or a reference never widens a deletion: what they lead to is offered, and a person confirms it.
fn refuse_without_address<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    request: &Request,
    subject: &Subject,
    aim: Aim,
) -> Result<Progress, Error> {
    let searched = contacts::search(call, Right::Deletion, subject, true, None)
        .map_err(|trouble| call.error(&trouble, Scope::Contacts))?;
    let mut report = call.report(request, aim, Outcome::Refused, None);
    report.findings = searched.findings;
    report.findings.extend(access::unusable(subject));
    report.findings.push(Finding::unanswered(
        SOURCE,
        SourceState::NotUsable,
        subject.no_addresses.clone(),
        "no-address",
        "Qualtrics deletes by e-mail address only: have a person confirm addresses of also-known-as, and ask with them.",
    ));
    report.also_known_as = searched.also_known_as;
    Ok(Progress::Done(Box::new(report)))
}

/// Looks for the job of an earlier attempt. None: it is proved that there is none.
fn adopt_earlier<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    addresses: &[Secret],
    search_only: bool,
    attempt_s: u64,
) -> Result<Option<Erasure>, Error> {
    let sought = look_for(call, addresses, search_only, attempt_s);
    let age_s = call.client.now_s().saturating_sub(attempt_s);
    match sought.map_err(|trouble| call.error(&trouble, Scope::Erasure))? {
        Sought::Found(job) => Ok(Some(*job)),
        Sought::Absent if age_s >= SETTLING_S => Ok(None),
        Sought::Absent => Err(Error::outcome_unknown(SETTLING_S.saturating_sub(age_s).saturating_mul(1_000))),
        Sought::Undecided if age_s < HOPELESS_S => Err(Error::outcome_unknown(follow::SOON_MS)),
        Sought::Undecided => Err(Error {
            remedy: Remedy::Operator,
            message: "Qualtrics' list does not show whether the earlier attempt was begun: look at Data Privacy in \
                      Qualtrics, and if it is not there, call again without first-attempt-at to begin it."
                .to_owned(),
            ..Error::outcome_unknown(0)
        }),
    }
}

/// What the list says about a job.
enum Sought {
    Found(Box<Erasure>),
    Absent,
    /// The list was not read to its end, or holds jobs that do not say whom they are about.
    Undecided,
}

/// Looks in Qualtrics' own list for a job with exactly these addresses that was not over before `since_s`, in seconds of
/// the host's clock.
fn look_for<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    addresses: &[Secret],
    search_only: bool,
    since_s: u64,
) -> Result<Sought, Trouble> {
    let need = call.need(Right::Deletion);
    let mut found: Option<Erasure> = None;
    let mut nameless = false;
    // The first call of a wave tells the time at Qualtrics; it has to be known before times are compared.
    call.client.sign_in(need)?;
    let since_s = call.client.at_qualtrics(since_s).saturating_sub(CLOCK_SLACK_S);
    let count = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
    let pass = erasure::pass(&mut call.client, need, since_s, Hints::default(), &mut |listed, _| {
        if listed.search_only().is_some_and(|only| only != search_only) {
            return true;
        }
        let job = listed.whole();
        // Without a time, a job for exactly these may be the one, or an earlier one.
        if job.is_timeless() && job.emails.as_deref() == Some(addresses) {
            nameless = true;
            return true;
        }
        if job.was_over_before(since_s) {
            return true;
        }
        // An earlier job that failed in the meantime did nothing for this attempt.
        if job.state == JobState::Failed && job.created_s.is_some_and(|created| created < since_s) {
            return true;
        }
        match &job.emails {
            Some(emails) if emails == addresses => {
                // Whether it erases must be known: a search is not the erasure that is looked for, nor the reverse.
                if job.search_only.is_none() {
                    nameless = true;
                    return true;
                }
                // A job that is still at work, or did its work, is better than one that failed.
                let better = found.as_ref().is_none_or(|found| found.state == JobState::Failed);
                if better {
                    found = Some(job);
                }
                found.as_ref().is_some_and(|found| found.state == JobState::Failed)
            }
            Some(_) => true,
            None => {
                let other = job.requested.is_some_and(|requested| requested != count);
                let older = job.created_s.is_some_and(|created| created < since_s);
                nameless = nameless || !(other || older);
                true
            }
        }
    })?;
    Ok(match found {
        Some(job) => Sought::Found(Box::new(job)),
        None if pass.whole && !nameless => Sought::Absent,
        None => Sought::Undecided,
    })
}

/// Begins an erasure or a search. When it is not known whether Qualtrics took it, its list is asked.
fn begin_job<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    addresses: &[Secret],
    search_only: bool,
) -> Result<String, Error> {
    let need = call.need(Right::Deletion);
    let began_s = call.client.now_s();
    // Where the sign-in fails, nothing was begun.
    call.client.sign_in(need).map_err(|trouble| call.error(&trouble, Scope::Erasure))?;
    let answer = call.client.call(need, erasure::begin(addresses, search_only));
    match answer.and_then(|answer| erasure::read_id(&answer)) {
        Ok(job) => Ok(job),
        Err(trouble) if trouble.began_nothing() => Err(call.error(&trouble, Scope::Erasure)),
        Err(_) => match look_for(call, addresses, search_only, began_s) {
            Ok(Sought::Found(job)) => Ok(job.id),
            Ok(Sought::Absent | Sought::Undecided) | Err(_) => {
                Err(Error::outcome_unknown(SETTLING_S.saturating_mul(1_000)))
            }
        },
    }
}

/// What Qualtrics says of a job that is being followed.
pub enum Seen {
    /// This is where it stands, and where in the list it can be looked for again.
    Job(Box<Erasure>, Option<String>),
    /// Neither by its id nor in the list.
    Nowhere,
    /// The list was not read to its end; this is where to go on.
    NotYet(Option<String>),
    /// It could not be asked.
    Trouble(Trouble),
}

/// Where a deletion stands, given what Qualtrics says of its job: the erasure or search that was begun with it, or the
/// search that verifies it.
pub fn proceed<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut following: Following<'_>,
    seen: Seen,
    may_gather: bool,
) -> Result<Progress, Error> {
    let aim = following.ticket.aim;
    let stage = match (aim, &following.ticket.verify) {
        (_, Some(_)) => Stage::Verifying,
        (Aim::Preview, None) if following.ticket.gathering => Stage::Gathering,
        (Aim::Preview, None) => Stage::Searching,
        (_, None) => Stage::Erasing,
    };
    let job = match seen {
        Seen::Job(job, place) => {
            following.ticket.hint = short(place);
            *job
        }
        Seen::Nowhere if following.ticket.hint.is_some() => {
            // The list may have changed before the place that the hint names.
            following.ticket.hint = None;
            return following.pending(call, stage, None, None).map(Progress::Pending);
        }
        Seen::Nowhere if stage == Stage::Verifying && following.ticket.tries < follow::MOST_TRIES => {
            // Only a search is lost. It may be slow to appear; else another one is begun.
            following.ticket.misses = following.ticket.misses.saturating_add(1);
            if following.ticket.misses > 1
                && let Some(verify) = &mut following.ticket.verify
            {
                verify.search = None;
                following.ticket.misses = 0;
                following.ticket.tries = following.ticket.tries.saturating_add(1);
            }
            return following.pending(call, stage, None, None).map(Progress::Pending);
        }
        Seen::Nowhere if stage == Stage::Verifying && may_gather => return judge(call, following, None),
        Seen::Nowhere if stage == Stage::Verifying => {
            return Ok(Progress::Pending(following.unchanged(call, stage, follow::AT_ONCE_MS)));
        }
        Seen::Nowhere => return following.missed(call, stage),
        Seen::NotYet(hint) => {
            following.ticket.hint = short(hint);
            let pending = following.pending(call, stage, None, None)?;
            // The look at the list goes on as soon as there is a share for it, however old the job is.
            let poll_after_ms = pending.poll_after_ms.min(NEXT_PASS_MS);
            return Ok(Progress::Pending(Pending { poll_after_ms, ..pending }));
        }
        Seen::Trouble(Trouble::OwnShare(wait)) => {
            return Ok(Progress::Pending(following.unchanged(call, stage, wait)));
        }
        Seen::Trouble(Trouble::OutOfTime) => {
            return Ok(Progress::Pending(following.unchanged(call, stage, follow::AT_ONCE_MS)));
        }
        Seen::Trouble(trouble) => return Err(call.error(&trouble, Scope::Erasure)),
    };
    following.ticket.misses = 0;
    if let JobState::Running { known } = job.state {
        return following.pending(call, stage, job.status, Some(known)).map(Progress::Pending);
    }
    if !may_gather && (aim != Aim::Erase) {
        return Ok(Progress::Pending(following.unchanged(call, stage, follow::AT_ONCE_MS)));
    }
    match (aim, stage) {
        (Aim::EraseAndVerify, Stage::Verifying) => judge(call, following, Some(&job)),
        (Aim::EraseAndVerify, _) if job.state == JobState::Completed => {
            let now = call.client.now_s();
            let plausible = following.ticket.submitted_at.saturating_sub(follow::YOUNG_S)..=now;
            let told = job.updated_s.map(|at| call.client.at_host(at)).filter(|at| plausible.contains(at));
            let after = job.updated_s.unwrap_or_else(|| call.client.at_qualtrics(now));
            following.ticket.verify = Some(Verification { erased_at: told.unwrap_or(now), after, search: None });
            following.ticket.hint = None;
            verify_again(call, following)
        }
        (Aim::Preview, _) if job.state == JobState::Completed => {
            following.ticket.gathering = true;
            preview(call, following, &job)
        }
        _ => Ok(Progress::Done(Box::new(ended(call, &following, &job)))),
    }
}

/// The report of an erasure that is over, or of a search that failed.
fn ended<T: Transport, C: Clock>(call: &Call<'_, T, C>, following: &Following<'_>, job: &Erasure) -> Report {
    let (findings, matches) = of_job(following.subject, job);
    let unusable = unusable(following.subject);
    let outcome = match job.state {
        JobState::Failed => Outcome::Failed,
        JobState::Completed if unusable.is_empty() => {
            if matches.iter().all(|one| *one == Match::Nothing) {
                Outcome::NothingFound
            } else {
                Outcome::Erased
            }
        }
        _ => Outcome::Partial,
    };
    let mut report = call.report(following.request, following.ticket.aim, outcome, Some(following.ticket.submitted_at));
    report.findings = if job.state == JobState::Failed { Vec::new() } else { findings };
    report.findings.extend(unusable);
    report.receipt.jobs = vec![job_of(job, following.ticket.aim == Aim::Preview)];
    report
}

/// What would be deleted: by Qualtrics' own search, and by the directories.
fn preview<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    following: Following<'_>,
    job: &Erasure,
) -> Result<Progress, Error> {
    let verdict = guard::try_guards(call, following.request, following.subject)?;
    let patience = following.ticket.tries < follow::MOST_TRIES;
    let searched = match contacts::search(call, Right::Deletion, following.subject, patience, None) {
        Ok(searched) => searched,
        Err(trouble) => return following.set_back(call, Stage::Gathering, &trouble, Scope::Contacts),
    };
    let (mut findings, matches) = of_job(following.subject, job);
    let some = !searched.contacts.is_empty() || matches.iter().any(|one| *one != Match::Nothing);
    let whole = searched.findings.iter().all(|finding| finding.state == SourceState::Searched);
    let outcome = match (whole && following.subject.unusable.is_empty(), some) {
        (false, _) => Outcome::Partial,
        (true, true) => Outcome::Previewed,
        (true, false) => Outcome::NothingFound,
    };
    findings.extend(searched.findings);
    findings.extend(verdict.findings);
    findings.extend(access::unusable(following.subject));
    let mut report = call.report(following.request, Aim::Preview, outcome, Some(following.ticket.submitted_at));
    report.findings = findings;
    report.also_known_as = searched.also_known_as;
    report.receipt.jobs = vec![job_of(job, true)];
    Ok(Progress::Done(Box::new(report)))
}

/// Begins a verifying search, or adopts one that somebody else began. One that Qualtrics never takes is given up after a few
/// tries, though not before the window of the verification is over.
pub fn verify_again<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut following: Following<'_>,
) -> Result<Progress, Error> {
    let addresses = following.subject.addresses();
    let Some(verify) = &mut following.ticket.verify else {
        return following.pending(call, Stage::Verifying, None, None).map(Progress::Pending);
    };
    let need = call.need(Right::Deletion);
    let sought = look_for_search(call, &addresses, verify.after);
    let begun = match sought {
        Ok(Some(job)) => Ok(job),
        Ok(None) => {
            let answer = call.client.call(need, erasure::begin(&addresses, true));
            answer.and_then(|answer| erasure::read_id(&answer))
        }
        Err(trouble) => Err(trouble),
    };
    match begun {
        Ok(job) => {
            verify.search = Some(job);
            following.ticket.misses = 0;
            following.pending(call, Stage::Verifying, None, None).map(Progress::Pending)
        }
        // If it was begun after all, the next call finds it in the list. What no person can mend ends with a report.
        Err(trouble)
            if !trouble.began_nothing()
                || trouble.is_passing()
                || matches!(trouble.status(), Some(400 | 402 | 404..)) =>
        {
            let over = call.client.now_s().saturating_sub(verify.erased_at) >= call.settings.verify_window_s;
            let (wait, vain) = match trouble {
                Trouble::OwnShare(wait) => (wait, false),
                Trouble::OutOfTime => (follow::SOON_MS, false),
                // A limit clears by itself, however long that takes.
                Trouble::Refused(refusal) => {
                    let named = refusal.retry_after_ms.map(|ms| ms.max(follow::AT_ONCE_MS));
                    (named.unwrap_or(follow::SOON_MS), refusal.status != 429)
                }
                _ => (follow::SOON_MS, true),
            };
            let misses = following.ticket.misses.saturating_add(u8::from(vain));
            following.ticket.misses = misses;
            if vain && over && misses >= follow::MOST_TRIES {
                return judge(call, following, None);
            }
            let pending = following.pending(call, Stage::Verifying, None, None)?;
            let after_ms = if misses < follow::MOST_TRIES { wait } else { wait.max(pending.poll_after_ms) };
            Ok(Progress::Pending(Pending { poll_after_ms: after_ms, ..pending }))
        }
        Err(trouble) => Err(call.error(&trouble, Scope::Erasure)),
    }
}

/// A search for exactly these addresses that was begun after an instant of Qualtrics' clock: no conversion of clocks may
/// let a search count that was begun before the erasure was over.
fn look_for_search<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    addresses: &[Secret],
    after_s: u64,
) -> Result<Option<String>, Trouble> {
    let need = call.need(Right::Deletion);
    let mut found: Option<(u64, String)> = None;
    erasure::pass(&mut call.client, need, after_s, Hints::default(), &mut |listed, _| {
        let young = listed.created_s.is_some_and(|created| created > after_s);
        if !young || listed.search_only() != Some(true) {
            return true;
        }
        let job = listed.whole();
        let fits = job.emails.as_deref() == Some(addresses) && job.state != JobState::Failed;
        let created = job.created_s.filter(|_| fits);
        // The last word is that of the youngest search, whichever ticket asks.
        if let Some(created) = created
            && found.as_ref().is_none_or(|(youngest, _)| *youngest < created)
        {
            found = Some((created, job.id));
        }
        true
    })?;
    Ok(found.map(|(_, id)| id))
}

/// What the verifying search found, if Qualtrics took one, and what the directories still hold.
fn judge<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut following: Following<'_>,
    search: Option<&Erasure>,
) -> Result<Progress, Error> {
    let Some(verify) = following.ticket.verify.clone() else {
        return following.pending(call, Stage::Verifying, None, None).map(Progress::Pending);
    };
    let patience = following.ticket.tries < follow::MOST_TRIES;
    let completed = search.is_some_and(|search| search.state == JobState::Completed);
    if let Some(search) = search
        && !completed
        && patience
    {
        // The search failed, not the erasure: another one is begun.
        following.ticket.tries = following.ticket.tries.saturating_add(1);
        following.ticket.verify = Some(Verification { after: later(call, search), search: None, ..verify });
        return following.pending(call, Stage::Verifying, search.status.clone(), None).map(Progress::Pending);
    }
    // The erasure is asked for once more, for the receipt.
    let id = following.ticket.jobs.first().cloned();
    let again = id.as_deref().map(erasure::get);
    let searched = match contacts::search(call, Right::Deletion, following.subject, patience, again) {
        Ok(searched) => searched,
        Err(trouble) => return following.set_back(call, Stage::Verifying, &trouble, Scope::Contacts),
    };
    let erased = match searched.beside.zip(id).map_or(Ok(None), |(answer, id)| erasure_again(answer, &id)) {
        Ok(erased) => erased,
        Err(_) if !patience => None,
        Err(trouble) => return following.set_back(call, Stage::Verifying, &trouble, Scope::Erasure),
    };
    let (mut findings, matches) = search.map(|search| of_job(following.subject, search)).unwrap_or_default();
    let left = !searched.contacts.is_empty() || matches.contains(&Match::Found);
    let now = call.client.now_s();
    if left && now.saturating_sub(verify.erased_at) < call.settings.verify_window_s {
        following.ticket.tries = 0;
        let after = search.map_or(verify.after, |search| later(call, search));
        following.ticket.verify = Some(Verification { after, search: None, ..verify });
        let status = search.and_then(|search| search.status.clone());
        return following.pending(call, Stage::Verifying, status, None).map(Progress::Pending);
    }
    let answered = completed
        && searched.findings.iter().all(|finding| finding.state == SourceState::Searched)
        && following.subject.unusable.is_empty();
    let nothing = |matches: &[Match]| matches.iter().all(|one| *one == Match::Nothing);
    let never = erased.as_ref().is_some_and(|erased| nothing(&of_job(following.subject, erased).1));
    let outcome = match (left, answered) {
        (true, _) => Outcome::Residue,
        (false, false) => Outcome::Partial,
        // Qualtrics does not say what the second search found: that it is gone is not shown.
        (false, true) if !nothing(&matches) => Outcome::Erased,
        (false, true) if never => Outcome::NothingFound,
        (false, true) => Outcome::Verified,
    };
    if !completed {
        let note = "Qualtrics did not finish the search that verifies the deletion, though it was tried several times.";
        let names = following.subject.address_indices();
        findings = vec![Finding::unanswered(SOURCE, SourceState::NotAvailable, names, "search-failed", note)];
    }
    findings.extend(searched.findings);
    findings.extend(access::unusable(following.subject));
    let mut report = call.report(following.request, Aim::EraseAndVerify, outcome, Some(following.ticket.submitted_at));
    report.findings = findings;
    report.also_known_as = searched.also_known_as;
    report.receipt.jobs = following
        .ticket
        .jobs
        .iter()
        .map(|id| erased.as_ref().map_or_else(|| unseen_job("erasure", id), |erased| job_of(erased, false)))
        .collect();
    report.receipt.jobs.extend(search.map(|search| job_of(search, true)));
    Ok(Progress::Done(Box::new(report)))
}

/// The instant after which a search is another one than this.
fn later<T: Transport, C: Clock>(call: &Call<'_, T, C>, search: &Erasure) -> u64 {
    search.updated_s.max(search.created_s).unwrap_or_else(|| call.client.at_qualtrics(call.client.now_s()))
}

/// The erasure itself, from the answer to [`erasure::get`]; none if Qualtrics no longer tells.
fn erasure_again(answer: Result<Answer, Trouble>, id: &str) -> Result<Option<Erasure>, Trouble> {
    match answer {
        Ok(answer) => Ok(erasure::read(&answer, id).ok()),
        Err(trouble) if matches!(trouble.status(), Some(400..=428)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Findings from what a job says about each address, and the matches themselves.
fn of_job(subject: &Subject, job: &Erasure) -> (Vec<Finding>, Vec<Match>) {
    let addresses = subject.addresses();
    let asked = job.requested.unwrap_or_else(|| u64::try_from(addresses.len()).unwrap_or(u64::MAX));
    let matches: Vec<Match> = addresses.iter().map(|address| job.says_of(address, asked)).collect();
    let mut findings = Vec::new();
    for (kind, amount) in
        [(Match::Found, Amount::SomeData), (Match::Nothing, Amount::Nothing), (Match::Unsaid, Amount::Unknown)]
    {
        let of_kind = addresses.iter().zip(&matches).filter(|(_, one)| **one == kind);
        let mut names = Vec::new();
        of_kind.for_each(|(address, _)| names.extend_from_slice(&subject.indices_of(address)));
        order::sort(&mut names);
        if !names.is_empty() {
            findings.push(Finding::searched(SOURCE, amount, names));
        }
    }
    for (source, count) in &job.counts {
        let amount = if *count == 0 { Amount::Nothing } else { Amount::Exactly(*count) };
        let mut finding = Finding::searched(source, amount, subject.address_indices());
        finding.code = Some("vendor-count");
        findings.push(finding);
    }
    (findings, matches)
}

/// Names that an erasure without a second search does not use.
fn unusable(subject: &Subject) -> Vec<Finding> {
    let mut findings = access::unusable(subject);
    let others: Vec<u32> =
        subject.no_addresses.iter().copied().filter(|index| !subject.unusable.contains(index)).collect();
    if !others.is_empty() {
        let note = "Qualtrics deletes by e-mail address only: nothing was looked for under these names.";
        findings.push(Finding::unanswered(SOURCE, SourceState::NotUsable, others, "no-address", note));
    }
    findings
}

fn job_of(job: &Erasure, search: bool) -> VendorJob {
    let instant = |seconds: Option<u64>| seconds.and_then(|seconds| timestamp::write(seconds.saturating_mul(1_000)));
    VendorJob {
        operation: if search { "erasure-search" } else { "erasure" },
        id: job.id.clone(),
        status: job.status.clone().unwrap_or_default(),
        created: instant(job.created_s),
        updated: instant(job.updated_s),
        failure: job.failure.clone(),
    }
}

fn unseen_job(operation: &'static str, id: &str) -> VendorJob {
    VendorJob { operation, id: id.to_owned(), status: String::new(), created: None, updated: None, failure: None }
}

/// A hint that fits into a ticket beside everything else.
fn short(hint: Option<String>) -> Option<String> {
    hint.filter(|hint| hint.len() <= 512)
}
