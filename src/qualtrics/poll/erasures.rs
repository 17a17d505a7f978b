//! Looking up the jobs of deletion requests.
//!
//! A few jobs are requested by their IDs. Many, and those whose GET is an error because they are not completed yet (fact sheet 6.3),
//! are looked up in one scan of the list. A job is only missing if neither shows it. If the list cannot be read to its end, a few of
//! the jobs that it does not show are requested by their IDs, and others with the next poll.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::contract::Right;
use crate::privacy::ticket::check_of;
use crate::qualtrics::api::erasure_list::{self, KnownPositions, Next, Scan};
use crate::qualtrics::api::erasures::{self, ErasureJob};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::deletion::LookUp;
use crate::qualtrics::ticket::Ticket;

/// Up to so many jobs are requested by their IDs.
const MAX_DIRECT_LOOK_UPS: usize = 3;

/// What Qualtrics shows of the jobs in progress.
pub struct ErasureLookUps<'t> {
    /// By ID in lower case: the list writes IDs in lower case in places (fact sheet 6.2).
    wanted: BTreeMap<String, Wanted<'t>>,
    /// What holds for jobs that were not shown.
    others: NotShown,
}

/// A job in progress.
struct Wanted<'t> {
    ticket: &'t Ticket,
    /// The job, and its position in the list if that does not change.
    shown: Option<(Rc<ErasureJob>, Option<String>)>,
    /// Why the GET by its ID did not show it.
    error: Option<ApiError>,
}

enum NotShown {
    /// The list was read to its end.
    NotListed,
    /// The scan reached the end but skipped pages. A job with a known position is not listed; others may be.
    NotListedWherePositionsAreKnown,
    /// The scan did not reach the end: where to continue, and whether it skipped pages. If so, only jobs with a known position
    /// continue there.
    Incomplete(Option<String>, bool),
    Failed(ApiError),
}

impl<'t> ErasureLookUps<'t> {
    /// What Qualtrics shows of a job.
    #[must_use]
    pub fn of(&self, id: &str, ticket: &Ticket) -> LookUp {
        let wanted = self.wanted.get(&id.to_ascii_lowercase());
        if let Some((job, position)) = wanted.and_then(|wanted| wanted.shown.as_ref()) {
            return LookUp::Job(Rc::clone(job), position.clone());
        }
        let has_position = ticket.position.is_some();
        match &self.others {
            NotShown::NotListedWherePositionsAreKnown | NotShown::Incomplete(_, true) if !has_position => {
                LookUp::Incomplete(None)
            }
            NotShown::Incomplete(position, _) => LookUp::Incomplete(position.clone()),
            NotShown::Failed(error) => LookUp::Failed(error.clone()),
            NotShown::NotListed | NotShown::NotListedWherePositionsAreKnown => {
                not_listed(wanted.and_then(|wanted| wanted.error.as_ref()))
            }
        }
    }

    /// The tickets whose jobs were not shown so far.
    fn open(&self) -> impl DoubleEndedIterator<Item = &'t Ticket> {
        self.wanted.values().filter(|wanted| wanted.shown.is_none()).map(|wanted| wanted.ticket)
    }

    /// Requests a few jobs that were not shown by their IDs. A hash of the current second selects the first of them, so that repeated
    /// polls reach every job with high probability, without stored state.
    ///
    /// # Errors
    /// An error that affects every call. An error response to one of them is not: the job may not be completed yet.
    fn look_up_directly(&mut self, context: &mut Context<'_>) -> Result<(), ApiError> {
        let open: Vec<&str> = self.open().filter_map(Ticket::decisive_job).collect();
        let first = usize::try_from(check_of(&context.client.now_s().to_string())).unwrap_or(0);
        let chosen = |n: usize| open.get(first.wrapping_add(n).checked_rem(open.len())?).copied();
        let ids: Vec<&str> = (0..open.len().min(MAX_DIRECT_LOOK_UPS)).filter_map(chosen).collect();
        let calls: Vec<_> = ids.iter().map(|id| erasures::get(id)).collect();
        let scopes = context.scopes(Right::Deletion);
        let mut failure = None;
        for (id, response) in ids.into_iter().zip(context.client.send_all(&scopes, &calls)) {
            let Some(wanted) = self.wanted.get_mut(&id.to_ascii_lowercase()) else { continue };
            match response.and_then(|response| erasures::parse(&response, id)) {
                Ok(job) => wanted.shown = Some((Rc::new(job), None)),
                Err(error) if error.is_specific_to_one_call() => wanted.error = Some(error),
                // There was no share or time left for it.
                Err(ApiError::ShareExhausted(_) | ApiError::DeadlineExceeded) => {}
                // What was shown of the other jobs remains valid.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Scans the list for the jobs that were not shown so far.
    fn scan_list(&mut self, context: &mut Context<'_>) -> Result<Option<Scan>, ApiError> {
        let started_at = |ticket: &&Ticket| ticket.decisive_job_started_at();
        let Some(oldest) = self.open().min_by_key(started_at) else { return Ok(None) };
        let youngest = self.open().filter(|ticket| ticket.position.is_some()).max_by_key(started_at);
        let scopes = context.scopes(Right::Deletion);
        // The `Date` of a response corrects the clock; it has to be known before timestamps are compared.
        context.client.sign_in(&scopes)?;
        let since_s = context.client.at_qualtrics(oldest.decisive_job_started_at());
        let known = KnownPositions {
            oldest: oldest.position.as_deref(),
            youngest: youngest.and_then(|ticket| ticket.position.as_deref()),
            complete: self.open().all(|ticket| ticket.position.is_some()),
        };
        let mut missing = self.open().count();
        let mut shows_all_ids = true;
        let wanted = &mut self.wanted;
        let scan = erasure_list::scan(&mut context.client, &scopes, since_s, known, &mut |listed, position| {
            let id = listed.id();
            shows_all_ids &= id.is_some();
            if let Some(wanted) = id.and_then(|id| wanted.get_mut(&id.to_ascii_lowercase()))
                && wanted.shown.is_none()
            {
                missing = missing.saturating_sub(1);
                wanted.shown = Some((Rc::new(listed.parse()), position.map(str::to_owned)));
            }
            if missing > 0 { Next::Continue } else { Next::Stop }
        })?;
        // A job whose ID is not understood may be one of those that were not found.
        Ok(Some(Scan { complete: scan.complete && shows_all_ids, stuck: scan.stuck || !shows_all_ids, ..scan }))
    }
}

/// What follows from a list that was read to its end and does not show a job, and from the error of its GET if there is one.
fn not_listed(error: Option<&ApiError>) -> LookUp {
    match error {
        // Only Qualtrics' own rejection confirms what the list shows. Its status is unconfirmed (fact sheet 6.3).
        Some(error) if error.is_own_rejection() => LookUp::NotListed,
        Some(error) if error.is_from_proxy() => LookUp::Failed(error.clone()),
        Some(_) | None => LookUp::Incomplete(None),
    }
}

/// Looks up the decisive jobs of deletion requests.
pub fn look_up<'t>(context: &mut Context<'_>, tickets: impl Iterator<Item = &'t Ticket>) -> ErasureLookUps<'t> {
    // Of several tickets for one job the last counts.
    let wanted = tickets.filter_map(|ticket| {
        let id = ticket.decisive_job()?.to_ascii_lowercase();
        Some((id, Wanted { ticket, shown: None, error: None }))
    });
    let mut look_ups = ErasureLookUps { wanted: wanted.collect(), others: NotShown::NotListed };
    look_ups.others = match run(context, &mut look_ups) {
        Ok(not_shown) => not_shown,
        Err(error) => NotShown::Failed(error),
    };
    look_ups
}

fn run(context: &mut Context<'_>, look_ups: &mut ErasureLookUps<'_>) -> Result<NotShown, ApiError> {
    let are_few = look_ups.wanted.len() <= MAX_DIRECT_LOOK_UPS;
    if are_few {
        look_ups.look_up_directly(context)?;
    }
    let scan = match look_ups.scan_list(context) {
        Ok(None) => return Ok(NotShown::NotListed),
        Ok(Some(scan)) => Ok(scan),
        Err(error) => Err(error),
    };
    // What the list no longer shows, or does not get to, may still be known by its ID.
    let may_be_known = scan.as_ref().map_or_else(ApiError::is_specific_to_one_call, |scan| scan.complete || scan.stuck);
    if !are_few && may_be_known {
        look_ups.look_up_directly(context)?;
    }
    Ok(match scan? {
        Scan { complete: true, skipped: false, .. } => NotShown::NotListed,
        Scan { complete: true, .. } => NotShown::NotListedWherePositionsAreKnown,
        Scan { skipped, position, .. } => NotShown::Incomplete(position, skipped),
    })
}
