//! Starting the searches that verify deletions: one for all requests of a group.

use std::collections::BTreeMap;

use super::follow::Step;
use super::grouping::{MAX_JOB_SPELLINGS, merge, pack};
use super::job_findings::{covers_every_spelling, is_shared, shared_with};
use super::job_request::JobRequest;
use super::submission;
use super::verification::window_has_passed;
use crate::contract::{Pending, Progress, Right, Stage};
use crate::privacy::email::EmailAddress;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::erasure_list::{self, KnownPositions, Next};
use crate::qualtrics::api::erasures::{Addresses, ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::{IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, SOON_MS, StatusClass};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::{Coverage, SharedJob, Ticket};

/// Starts verifying searches, or continues those that other polls started: one list is read for all requests, and one search is
/// started for all requests of a group. A search that Qualtrics never accepts is given up after [`MAX_ATTEMPTS`], though not before
/// the verification window has passed. Returns the next step of each request, in order.
///
/// # Errors
/// In a settled step: an error that needs an operator, such as a 401, a 403, a redirect or the response of a proxy.
pub fn start_all<'r>(context: &mut Context<'_>, requests: Vec<InFlight<'r>>) -> Vec<Step<'r>> {
    if requests.is_empty() {
        return Vec::new();
    }
    let found = match find_searches(context, &requests) {
        Ok(found) => found,
        Err(error) => return requests.into_iter().map(|one| not_started(context, one, &error)).collect(),
    };
    let mut steps: Vec<Option<Step<'r>>> = requests.iter().map(|_| None).collect();
    let mut open: BTreeMap<Bundle, Vec<(usize, InFlight<'r>)>> = BTreeMap::new();
    for (index, (in_flight, found)) in requests.into_iter().zip(found).enumerate() {
        match found {
            Some(search) => put(&mut steps, index, started(context, in_flight, search, None)),
            None => open.entry(Bundle::of(&in_flight.ticket, index)).or_default().push((index, in_flight)),
        }
    }
    let mut left = u64::try_from(open.len()).unwrap_or(u64::MAX);
    // Once the share is exhausted, the others wait until it is enough for all of them.
    let mut wait_ms = None;
    for members in open.into_values() {
        if wait_ms.is_none() {
            wait_ms = submission::wait_for(context, left);
        }
        let started = match wait_ms {
            Some(wait_ms) => members.into_iter().map(|(index, one)| (index, later(context, &one, wait_ms))).collect(),
            None => start_group(context, members),
        };
        started.into_iter().for_each(|(index, step)| put(&mut steps, index, step));
        left = left.saturating_sub(1);
    }
    steps.into_iter().flatten().collect()
}

fn put<'r>(steps: &mut [Option<Step<'r>>], index: usize, step: Step<'r>) {
    if let Some(slot) = steps.get_mut(index) {
        *slot = Some(step);
    }
}

/// Which requests may search together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bundle {
    /// Those of an erasure job.
    Group(String),
    /// The one at this position.
    Alone(usize),
}

impl Bundle {
    fn of(ticket: &Ticket, index: usize) -> Self {
        let alone = ticket.verification.as_ref().is_some_and(|verification| verification.alone);
        ticket.group().filter(|_| !alone).map_or(Self::Alone(index), Self::Group)
    }
}

/// A search for a request.
struct Search {
    id: String,
    /// What it covers, if other requests share it.
    shared: Option<SharedJob>,
}

/// Starts one search for requests of a group; several if they do not fit into one.
fn start_group<'r>(context: &mut Context<'_>, members: Vec<(usize, InFlight<'r>)>) -> Vec<(usize, Step<'r>)> {
    let emails: Vec<Vec<EmailAddress>> = members.iter().map(|(_, one)| one.subject.emails()).collect();
    let slices: Vec<&[EmailAddress]> = emails.iter().map(Vec::as_slice).collect();
    let groups = pack(&slices, MAX_JOB_SPELLINGS);
    let mut members: Vec<Option<(usize, InFlight<'r>)>> = members.into_iter().map(Some).collect();
    let mut take = |positions: &[usize]| -> Vec<(usize, InFlight<'r>)> {
        positions.iter().filter_map(|position| members.get_mut(*position)?.take()).collect()
    };
    let mut steps = Vec::new();
    for job in &groups.jobs {
        let job = job.concat();
        let part = take(&job);
        let of_part = merge(job.iter().filter_map(|position| slices.get(*position).copied()));
        if context.client.is_late() {
            steps.extend(part.into_iter().map(|(index, one)| (index, later(context, &one, IMMEDIATE_MS))));
            continue;
        }
        let request = JobRequest { emails: &of_part, kind: JobKind::Search };
        match submission::start(context, &request) {
            Ok(search) => {
                let shared = search.shared(&of_part, part.len());
                for (index, one) in part {
                    let sent = search.sent(&one.subject.emails());
                    let search = Search { id: search.id.clone(), shared };
                    steps.push((index, started(context, one, search, Some(sent))));
                }
            }
            Err(error) => {
                let is_rejected = part.len() > 1 && matches!(error.own_status(), Some(400 | 413 | 422));
                for (index, one) in part {
                    let step = if is_rejected { alone(context, one) } else { not_started(context, one, &error) };
                    steps.push((index, step));
                }
            }
        }
    }
    steps.extend(take(&groups.postponed).into_iter().map(|(index, one)| (index, later(context, &one, SOON_MS))));
    steps
}

/// The search of a request was started, or found.
fn started<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, search: Search, sent: Option<u64>) -> Step<'r> {
    if let Some(verification) = &mut in_flight.ticket.verification {
        verification.search = Some(search.id);
        verification.sent = sent;
        verification.shared = search.shared;
    }
    in_flight.ticket.misses = 0;
    Step::settled(in_flight.still_pending(context, Stage::Verifying))
}

/// Qualtrics rejects the search for the group: each request searches alone.
fn alone<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>) -> Step<'r> {
    if let Some(verification) = &mut in_flight.ticket.verification {
        verification.alone = true;
    }
    later(context, &in_flight, IMMEDIATE_MS)
}

fn later<'r>(context: &Context<'_>, in_flight: &InFlight<'r>, poll_after_ms: u64) -> Step<'r> {
    Step::settled(in_flight.pending_for(context, Stage::Verifying, poll_after_ms))
}

/// Whether a search that could not be started may be started later, or be given up in the report. If it was started after all, the
/// next poll finds it in the list; if not, a second search only reads. A redirect, a 401, a 403 and the response of a proxy need an
/// operator.
fn needs_no_operator(error: &ApiError) -> bool {
    submission::is_temporary(error) || matches!(error.own_status(), Some(400 | 402 | 404..))
}

fn not_started<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, error: &ApiError) -> Step<'r> {
    if !needs_no_operator(error) {
        return Step::settled(Err(context.error(error, Scope::Erasure)));
    }
    let (wait_ms, is_failure) = match error {
        ApiError::ShareExhausted(wait_ms) => (*wait_ms, false),
        ApiError::DeadlineExceeded => (SOON_MS, false),
        // A rate limit clears by itself, however long that takes.
        ApiError::Response(response) => {
            let named_ms = response.retry_after_ms.map(|ms| ms.max(IMMEDIATE_MS));
            (named_ms.unwrap_or(SOON_MS), response.status != 429)
        }
        _ => (SOON_MS, true),
    };
    let misses = in_flight.ticket.misses.saturating_add(u8::from(is_failure));
    in_flight.ticket.misses = misses;
    if is_failure && misses >= MAX_ATTEMPTS && window_has_passed(context, &in_flight) {
        return Step::Conclude(Box::new(in_flight), None);
    }
    let pending = in_flight.pending(context, Stage::Verifying, None, StatusClass::NotSeen).map(|pending| {
        let poll_after_ms = if misses < MAX_ATTEMPTS { wait_ms } else { wait_ms.max(pending.poll_after_ms) };
        Progress::Pending(Pending { poll_after_ms, ..pending })
    });
    Step::settled(pending)
}

/// A request that waits for its search, and the youngest search for it that the list shows.
struct Waiting<'r> {
    subject: &'r Subject,
    /// Its addresses.
    emails: Vec<EmailAddress>,
    /// Only searches that were created after this second of Qualtrics' clock count: none from before the deletion.
    after_s: u64,
    /// Whether it searches alone.
    alone: bool,
    youngest: Option<(u64, Search)>,
}

impl Waiting<'_> {
    /// Whether a search contains all addresses of the request, whatever else it contains.
    fn is_covered_by(&self, search: &ErasureJob) -> bool {
        let contains = |list: &Addresses| self.emails.iter().all(|one| list.contains(one));
        search.addresses.as_ref().is_some_and(contains)
            && covers_every_spelling(self.subject, search, Coverage::default())
            && !(self.alone && is_shared(self.subject, search, Coverage::default()))
    }

    fn visit(&mut self, created_s: u64, search: &ErasureJob) {
        let is_younger = self.youngest.as_ref().is_none_or(|(known_s, _)| *known_s < created_s);
        if created_s > self.after_s && is_younger && self.is_covered_by(search) {
            let shared = shared_with(&self.emails, search);
            self.youngest = Some((created_s, Search { id: search.id.clone(), shared }));
        }
    }
}

/// The youngest search for each request, from one reading of the list.
fn find_searches(context: &mut Context<'_>, requests: &[InFlight<'_>]) -> Result<Vec<Option<Search>>, ApiError> {
    let scopes = context.scopes(Right::Deletion);
    let mut waiting: Vec<Waiting<'_>> = requests
        .iter()
        .map(|InFlight { subject, ticket, .. }| {
            let verification = ticket.verification.as_ref();
            let after_s = verification.map_or(u64::MAX, |verification| verification.search_after);
            let alone = verification.is_some_and(|verification| verification.alone);
            Waiting { subject, emails: subject.emails(), after_s, alone, youngest: None }
        })
        .collect();
    let after_s = waiting.iter().map(|one| one.after_s).min().unwrap_or(u64::MAX);
    erasure_list::scan(&mut context.client, &scopes, after_s, KnownPositions::default(), &mut |listed, _| {
        let created_s = listed.created_s.filter(|created_s| *created_s > after_s);
        if let Some(created_s) = created_s.filter(|_| listed.kind() == Some(JobKind::Search)) {
            let search = listed.parse();
            if !search.id.is_empty() && search.state != JobState::Failed {
                waiting.iter_mut().for_each(|one| one.visit(created_s, &search));
            }
        }
        Next::Continue
    })?;
    Ok(waiting.into_iter().map(|one| one.youngest.map(|(_, search)| search)).collect())
}
