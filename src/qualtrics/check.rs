//! `check`: every permission is exercised with a harmless call, and everything that is missing is reported together.

mod optional;
mod proof;
mod warnings;

use std::collections::BTreeSet;

use serde_json::json;

use self::optional::OptionalProbe;
use self::proof::{Proof, is_about_permissions, proof_of, proof_of_look_up, proof_of_rejection, proof_of_update};
use self::warnings::{
    account_warnings, datacenter_warning, general_notice, no_directory, not_searchable, unproven, unproven_groups,
};

use super::account_guard::AccountGuard;
use super::api::account::Account;
use super::api::client::Call;
use super::api::envelope::{ApiResponse, Notice};
use super::api::error::ApiError;
use super::api::users::Users;
use super::api::{customer_data, directories, erasure_list};
use super::context::Context;
use super::error_mapping::{self, ADMINISTRATOR, missing_scope, not_administrator};
use super::scopes::{Scope, Scopes};
use crate::contract::{Connection, Error, ErrorKind, Problem, Remedy, Right};
use crate::privacy::report::invalid_request;

/// `check`.
///
/// # Errors
/// `invalid-request` if `rights` is empty; `forbidden`, with a problem for each missing
/// permission or role; any error unrelated to permissions.
pub fn check(context: &mut Context<'_>, rights: &[Right]) -> Result<Connection, Error> {
    // 1. A test of nothing proves nothing.
    validate(rights)?;
    // 2. Authenticate. Scopes that are granted are exercised even if others are missing, so that everything missing is reported together.
    let authenticated = authenticate(context, rights)?;
    // 3. Exercise every permission.
    let optional = optional::scopes(context, rights);
    context.client.prepare_tokens(optional.clone());
    let (account, responses) = probe(context, &authenticated.granted)?;
    let notices = responses.iter().filter_map(|(_, response)| response.as_ref().ok()).map(|response| response.notice);
    let notice = notices.chain(account.as_ref().ok().map(|account| account.notice)).max().unwrap_or_default();
    let mut findings = ProbeResults { problems: authenticated.problems, notice, ..ProbeResults::default() };
    let place = findings.judge_probes(responses);
    if authenticated.granted.contains(&Scope::Contacts) {
        let optional = optional::probes(&optional, place.first_directory());
        let proof = probe_contacts(context, &authenticated.granted, &place, &optional, &mut findings);
        let proof = proof.map_err(|error| general_error(context, &error))?;
        findings.proofs.push((Scope::Contacts, proof));
    }
    let shares_jobs = rights.contains(&Right::Deletion) && context.settings.group_size.is_some_and(|size| size > 1);
    findings.warnings.extend(shares_jobs.then(unproven_groups));
    if authenticated.granted.contains(&Scope::ContactUpdates) {
        let proof = probe_updates(context, &authenticated.granted, &place);
        let proof = proof.map_err(|error| general_error(context, &error))?;
        findings.proofs.push((Scope::ContactUpdates, proof));
    }
    // 4. Conclude.
    findings.judge_permissions(account.as_ref().ok(), authenticated.named.as_ref());
    if !findings.problems.is_empty() {
        return Err(findings.into_error(rights));
    }
    if let Err(error) = &account {
        require_account_for_guard(context, rights, error)?;
    }
    Ok(connection(context, account.ok().as_ref(), findings))
}

fn validate(rights: &[Right]) -> Result<(), Error> {
    if rights.is_empty() {
        let message = "rights must name access, deletion or opt-out, or several of them.";
        return Err(invalid_request(vec![Problem::new("request", "rights", &[], message)]));
    }
    Ok(())
}

/// The result of authentication.
struct Authenticated {
    /// The scopes of the token.
    granted: Scopes,
    /// The scopes that the token response names.
    named: Option<Scopes>,
    /// A problem for each missing scope.
    problems: Vec<Problem>,
}

fn authenticate(context: &mut Context<'_>, rights: &[Right]) -> Result<Authenticated, Error> {
    let wanted: Scopes = rights.iter().flat_map(|right| context.scopes(*right)).collect();
    match context.client.sign_in(&wanted) {
        Ok(named) => Ok(Authenticated { granted: wanted, named, problems: Vec::new() }),
        Err(ApiError::MissingScopes(missing)) => {
            let problems: Vec<Problem> = missing.iter().map(|scope| missing_scope(*scope)).collect();
            let granted: Scopes = wanted.difference(&missing).copied().collect();
            if granted.is_empty() {
                return Err(error_mapping::forbidden(affecting(problems, rights)));
            }
            let named = context.client.sign_in(&granted).map_err(|error| general_error(context, &error))?;
            Ok(Authenticated { granted, named, problems })
        }
        Err(error) => Err(general_error(context, &error)),
    }
}

type Responses = Vec<(Scope, Result<ApiResponse, ApiError>)>;

/// Requests the account and exercises every permission but that of contacts, concurrently.
///
/// # Errors
/// An error unrelated to permissions, which ends the test.
fn probe(context: &mut Context<'_>, granted: &Scopes) -> Result<(Result<Account, ApiError>, Responses), Error> {
    let probes: [(Scope, fn() -> Call); 4] = [
        (Scope::Directories, directories::list),
        (Scope::Erasure, || erasure_list::page(None)),
        (Scope::CustomerData, customer_data::probe),
        (Scope::Users, Users::call),
    ];
    let probes = probes.into_iter().filter(|(scope, _)| granted.contains(scope));
    let (scopes, calls): (Vec<Scope>, Vec<Call>) = probes.map(|(scope, call)| (scope, call())).unzip();
    let calls: Vec<Call> = std::iter::once(Account::call()).chain(calls).collect();
    let mut responses = context.client.send_all(granted, &calls).into_iter();
    let account = responses.next().unwrap_or(Err(ApiError::DeadlineExceeded));
    let responses: Responses = scopes.into_iter().zip(responses).collect();
    let errors =
        || account.as_ref().err().into_iter().chain(responses.iter().filter_map(|(_, one)| one.as_ref().err()));
    if let Some(error) = errors().find(|error| !is_about_permissions(error)) {
        return Err(general_error(context, error));
    }
    let all_fail = |is_failure: fn(&ApiError) -> bool| {
        account.as_ref().is_err_and(is_failure) && responses.iter().all(|(_, one)| one.as_ref().is_err_and(is_failure))
    };
    // If every probe fails transiently, or every probe gets a 401, the error does not concern one permission.
    if let Err(error) = &account
        && (all_fail(ApiError::is_transient) || all_fail(|error| error.status() == Some(401)))
    {
        return Err(general_error(context, error));
    }
    Ok((account.map(|response| Account::parse(&response)), responses))
}

/// Where contacts can be searched.
enum Place {
    /// In these directories: the first, and the others.
    Directories(String, Vec<String>),
    /// In directories that the account may not list.
    Hidden,
    /// Nowhere that is known.
    Nowhere,
}

impl Place {
    fn first_directory(&self) -> Option<&str> {
        match self {
            Self::Directories(first, _) => Some(first),
            Self::Hidden | Self::Nowhere => None,
        }
    }
}

/// What the probes show so far.
#[derive(Default)]
struct ProbeResults {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    proofs: Vec<(Scope, Proof)>,
    /// What the notices of the responses are about.
    notice: Notice,
}

impl ProbeResults {
    /// Judges every probe by its own response, and returns where contacts can be searched.
    fn judge_probes(&mut self, responses: Responses) -> Place {
        let mut place = Place::Nowhere;
        for (scope, response) in responses {
            let proof = match (scope, response) {
                (Scope::Directories, response) => self.judge_directories(response, &mut place),
                (_, Ok(_)) => Proof::Granted,
                (Scope::CustomerData, Err(error)) => proof_of_look_up(error),
                (_, Err(error)) => proof_of_rejection(error),
            };
            self.proofs.push((scope, proof));
        }
        place
    }

    fn judge_directories(&mut self, response: Result<ApiResponse, ApiError>, place: &mut Place) -> Proof {
        match response {
            Ok(response) => match directories::parse_page(&response) {
                Ok(listed) => {
                    match listed.split_first() {
                        None => self.warnings.push(no_directory()),
                        Some((first, others)) => *place = Place::Directories(first.clone(), others.to_vec()),
                    }
                    Proof::Granted
                }
                Err(_) => Proof::Unproven,
            },
            Err(error) if error.own_status() == Some(404) => {
                self.warnings.push(no_directory());
                Proof::Unproven
            }
            Err(error) => {
                let proof = proof_of_rejection(error);
                if matches!(proof, Proof::Refused(_)) {
                    *place = Place::Hidden;
                }
                proof
            }
        }
    }

    fn has(&self, scope: Scope, proof: &Proof) -> bool {
        self.proofs.iter().any(|(known, other)| *known == scope && other == proof)
    }

    /// Judges all probes together: what is refused for lack of a scope, and what for lack of the role.
    fn judge_permissions(&mut self, account: Option<&Account>, named: Option<&Scopes>) {
        // Only brand administrators can list erasures or users. If either probe succeeded, the account is one, whatever its type.
        let is_administrator = account.is_some_and(Account::is_brand_administrator)
            || [Scope::Erasure, Scope::Users].iter().any(|scope| self.has(*scope, &Proof::Granted));
        let mut needs_administrator: BTreeSet<Right> = BTreeSet::new();
        for (scope, proof) in &self.proofs {
            // The token response names the granted scopes, and this one is not among them.
            let is_withheld = named.is_some_and(|named| !named.contains(scope));
            let needs_role = matches!(scope, Scope::Erasure | Scope::CustomerData | Scope::Users);
            match proof {
                Proof::Granted => {}
                Proof::Refused(_) if !is_withheld && needs_role && account.is_some() && !is_administrator => {
                    needs_administrator.extend(scope.rights());
                }
                Proof::Refused(_) => self.problems.push(missing_scope(*scope)),
                Proof::Unproven if is_withheld => self.problems.push(missing_scope(*scope)),
                Proof::Unproven => self.warnings.push(unproven(*scope)),
            }
        }
        if !needs_administrator.is_empty() {
            let affects: Vec<Right> = needs_administrator.into_iter().collect();
            self.problems.push(not_administrator(&affects));
        }
    }

    fn into_error(self, rights: &[Right]) -> Error {
        let refused = self.proofs.into_iter().find_map(|(_, proof)| match proof {
            Proof::Refused(response) => Some(response),
            Proof::Granted | Proof::Unproven => None,
        });
        let error = error_mapping::forbidden(affecting(self.problems, rights));
        match refused {
            Some(response) => error.with_response(&response),
            None => error,
        }
    }
}

/// A deletion with an account guard is impossible without the account.
fn require_account_for_guard(context: &Context<'_>, rights: &[Right], error: &ApiError) -> Result<(), Error> {
    if !rights.contains(&Right::Deletion) || context.settings.account_guard == AccountGuard::Off {
        return Ok(());
    }
    if error.is_transient() || error.own_status().is_none() {
        return Err(general_error(context, error));
    }
    let message = "Qualtrics does not return the account that this connection acts as, so that it cannot be guarded: create the OAuth \
                   client as a brand administrator, and grant it read:users.";
    let problem = Problem::new("role", ADMINISTRATOR, &[Right::Deletion], message);
    Err(Error { problems: vec![problem], ..Error::new(ErrorKind::Forbidden, Remedy::Operator, message) })
}

/// Exercises the permission to search contacts, and beside it those that are optional.
///
/// XM Directory Lite cannot be searched; the status of the response is unconfirmed (fact sheet 8.2). If a search fails, other
/// directories are tried, and the look-up of a contact that cannot exist, which requires the same permission.
fn probe_contacts(
    context: &mut Context<'_>,
    granted: &Scopes,
    place: &Place,
    optional: &[OptionalProbe],
    findings: &mut ProbeResults,
) -> Result<Proof, ApiError> {
    let searched = first_searches(context, granted, place, optional, findings);
    let (first, others) = match place {
        Place::Nowhere => return Ok(Proof::Unproven),
        Place::Hidden => return proof_of(searched, proof_of_look_up),
        Place::Directories(first, others) => (first, others),
    };
    let searched = proof_of(searched, proof_of_rejection)?;
    if searched == Proof::Granted {
        return Ok(searched);
    }
    let mut calls = vec![directories::contact(first, NO_SUCH_CONTACT)];
    calls.extend(others.iter().take(MAX_OTHER_DIRECTORIES).map(|directory| directories::probe(directory)));
    let mut responses = context.client.send_all(granted, &calls).into_iter();
    let mut proofs = vec![proof_of(responses.next().unwrap_or(Err(ApiError::DeadlineExceeded)), proof_of_look_up)?];
    for response in responses {
        proofs.push(proof_of(response, proof_of_rejection)?);
    }
    if proofs.contains(&Proof::Granted) {
        findings.warnings.push(not_searchable());
        return Ok(Proof::Granted);
    }
    Ok(proofs.into_iter().chain([searched]).find(|proof| *proof != Proof::Unproven).unwrap_or(Proof::Unproven))
}

/// Searches where contacts can be searched first, and makes the optional probes beside it.
fn first_searches(
    context: &mut Context<'_>,
    granted: &Scopes,
    place: &Place,
    optional: &[OptionalProbe],
    findings: &mut ProbeResults,
) -> Result<ApiResponse, ApiError> {
    let search = match place {
        Place::Nowhere => None,
        Place::Hidden => Some(directories::probe(NO_SUCH_DIRECTORY)),
        Place::Directories(first, _) => Some(directories::probe(first)),
    };
    let calls: Vec<Call> = optional.iter().map(OptionalProbe::call).chain(search).collect();
    let mut responses = context.client.send_all(granted, &calls).into_iter();
    let verified = optional.iter().zip(responses.by_ref()).filter_map(|(probe, response)| probe.verified(&response));
    findings.proofs.extend(verified.map(|scope| (scope, Proof::Granted)));
    responses.next().unwrap_or(Err(ApiError::DeadlineExceeded))
}

/// Exercises the permission to update contacts, without changing anything: an update without fields, of a contact that cannot exist.
fn probe_updates(context: &mut Context<'_>, granted: &Scopes, place: &Place) -> Result<Proof, ApiError> {
    let directory = match place {
        Place::Directories(first, _) => first,
        Place::Hidden | Place::Nowhere => NO_SUCH_DIRECTORY,
    };
    match context.client.call(granted, directories::update(directory, NO_SUCH_CONTACT, json!({}))) {
        // No contact was updated, so that a success proves nothing.
        Ok(_) => Ok(Proof::Unproven),
        response => proof_of(response, proof_of_update),
    }
}

/// How many directories are tried if the first cannot be searched.
const MAX_OTHER_DIRECTORIES: usize = 3;

/// IDs that nothing has.
const NO_SUCH_DIRECTORY: &str = "POOL_000000000000000";
const NO_SUCH_CONTACT: &str = "CID_000000000000000";

/// The contract's error for an error unrelated to permissions, which ends the test.
fn general_error(context: &Context<'_>, error: &ApiError) -> Error {
    error_mapping::to_contract_error(error, None, &context.settings.origin.to_text())
}

fn connection(context: &Context<'_>, account: Option<&Account>, findings: ProbeResults) -> Connection {
    let ProbeResults { proofs, mut warnings, notice, .. } = findings;
    warnings.extend(account_warnings(account));
    warnings.extend(datacenter_warning(context, account, notice));
    warnings.extend((notice == Notice::General).then(|| general_notice(context)));
    let granted = Scope::ALL.into_iter().filter(|scope| proofs.contains(&(*scope, Proof::Granted)));
    let datacenter = account.map(|account| account.datacenter.clone()).filter(|datacenter| !datacenter.is_empty());
    Connection {
        tenant: account.map(|account| account.brand.clone()).unwrap_or_default(),
        region: datacenter.unwrap_or_else(|| context.settings.region.clone()),
        account: account.map(|account| account.user.reveal().to_owned()).unwrap_or_default(),
        role: account.map(|account| account.user_type.clone()).unwrap_or_default(),
        granted: granted.map(|scope| scope.name().to_owned()).collect(),
        egress: vec![context.settings.origin.to_text()],
        warnings,
    }
}

/// Problems, as far as they affect the rights that are tested.
fn affecting(problems: Vec<Problem>, rights: &[Right]) -> Vec<Problem> {
    let narrow = |mut problem: Problem| {
        problem.affects.retain(|right| rights.contains(right));
        problem
    };
    problems.into_iter().map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::api::error::{ErrorForm, ErrorResponse};

    #[test]
    fn only_qualtrics_own_response_to_a_look_up_proves_that_it_is_permitted() {
        let proof = |status, is_in_envelope| {
            let form = if is_in_envelope { ErrorForm::Envelope } else { ErrorForm::Foreign };
            let response = ErrorResponse { status, form, ..ErrorResponse::default() };
            proof_of(Err(ApiError::Response(response)), proof_of_look_up)
        };
        for status in [400, 404, 410] {
            assert!(proof(status, true).is_ok_and(|proof| proof == Proof::Granted), "{status}");
        }
        for status in [200, 400, 403, 404, 407] {
            assert!(proof(status, false).is_err(), "{status} of a proxy");
        }
        assert!(proof(503, false).is_ok_and(|proof| proof == Proof::Unproven));
        let blank = |status| {
            let response = ErrorResponse { status, form: ErrorForm::Blank, ..ErrorResponse::default() };
            proof_of(Err(ApiError::Response(response)), proof_of_look_up)
        };
        assert!(blank(404).is_ok_and(|proof| proof == Proof::Unproven));
        assert!(blank(403).is_err());
    }
}
