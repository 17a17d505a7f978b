//! Looking up the exports of access requests.
//!
//! Qualtrics has no list of them, so they are requested one by one. Once one is complete, the rest of the call is for its results:
//! requesting them all could exhaust the rate limit before a file is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::Right;
use crate::qualtrics::api::customer_data::{self, Export};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::context::Context;
use crate::qualtrics::error_mapping::DEFAULT_RATE_LIMIT_MS;
use crate::qualtrics::in_flight::IMMEDIATE_MS;
use crate::qualtrics::scopes::optional_scopes;
use crate::qualtrics::ticket::Ticket;

/// How many exports are requested per round after the first round, which requests the exports of one ticket.
const MAX_DIRECT_LOOK_UPS: usize = 4;

/// What Qualtrics shows of the exports in progress.
pub struct ExportLookUps<'t> {
    shown: BTreeMap<&'t str, Result<Export, ApiError>>,
    /// Why the others were not looked up.
    others: ApiError,
}

impl ExportLookUps<'_> {
    /// What Qualtrics shows of an export.
    ///
    /// # Errors
    /// Why it shows nothing.
    pub fn of(&self, id: &str) -> Result<Export, ApiError> {
        self.shown.get(id).cloned().unwrap_or_else(|| Err(self.others.clone()))
    }

    /// Whether every export of a request has ended and can be read.
    fn is_ready(&self, ticket: &Ticket) -> bool {
        let has_ended = |export: &Export| !matches!(export.state, JobState::Running { .. });
        ticket.jobs.iter().all(|id| self.of(id).is_ok_and(|export| has_ended(&export)))
    }
}

/// Looks up exports until those of one request are complete, or until there is no time or share left for its results.
pub fn look_up<'t>(context: &mut Context<'_>, mut tickets: impl Iterator<Item = &'t Ticket>) -> ExportLookUps<'t> {
    let scopes = context.scopes(Right::Access);
    let mut look_ups = ExportLookUps { shown: BTreeMap::new(), others: ApiError::ShareExhausted(IMMEDIATE_MS) };
    let mut at_once = 1;
    while !context.client.is_late() {
        let (mut chosen, mut ids) = (Vec::new(), BTreeSet::new());
        while ids.len() < at_once
            && let Some(ticket) = tickets.next()
        {
            ids.extend(ticket.jobs.iter().map(String::as_str).filter(|id| !look_ups.shown.contains_key(id)));
            chosen.push(ticket);
        }
        if chosen.is_empty() {
            break;
        }
        let calls: Vec<_> = ids.iter().map(|id| customer_data::progress(id)).collect();
        if let Some(call) = calls.first() {
            // If authentication fails, it fails for all.
            if let Err(error) = context.client.sign_in(&scopes) {
                look_ups.others = error;
                break;
            }
            let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
            let wait_ms = context.client.wait_for(call, count.saturating_add(1));
            if wait_ms > 0 {
                look_ups.others = ApiError::ShareExhausted(wait_ms.max(IMMEDIATE_MS));
                break;
            }
        }
        // Results may be collected in the same call.
        context.client.prepare_tokens(optional_scopes(Right::Access));
        let mut is_throttled = false;
        for (id, response) in ids.into_iter().zip(context.client.send_all(&scopes, &calls)) {
            if let Err(ApiError::Response(response)) = &response
                && response.status == 429
            {
                is_throttled = true;
                let wait_ms = response.retry_after_ms.unwrap_or(DEFAULT_RATE_LIMIT_MS);
                look_ups.others = ApiError::ShareExhausted(wait_ms.max(IMMEDIATE_MS));
            }
            look_ups.shown.insert(id, response.and_then(|response| customer_data::parse_progress(&response)));
        }
        if is_throttled || chosen.iter().any(|ticket| look_ups.is_ready(ticket)) {
            break;
        }
        at_once = MAX_DIRECT_LOOK_UPS;
    }
    look_ups
}
