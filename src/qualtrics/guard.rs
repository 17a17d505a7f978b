//! The account guards.
//!
//! Qualtrics deletes the account of a user whose address is erased (fact sheet 6.4). Unless the setting `account-guard` is `off`,
//! an erasure never deletes the connection's own account. With `all-users`, it deletes another user's account only after an operator
//! overrides the guard for the request.

use super::account_guard::AccountGuard;
use super::api::account::Account;
use super::api::client::Call;
use super::api::error::ApiError;
use super::api::users::Users;
use super::cache::OwnAccount;
use super::context::Context;
use super::scopes::Scope;
use crate::contract::{Amount, Error, ErrorKind, Finding, Remedy, Request, Right, SourceState};
use crate::privacy::subject::Subject;
use crate::secret::Secret;

/// The code of the guard for the connection's own account. It cannot be overridden.
pub const OWN_ACCOUNT: &str = "own-account";
/// The code of the guard for the other users of the brand.
pub const STAFF_ACCOUNT: &str = "staff-account";
/// The source of the guards' findings.
const SOURCE: &str = "user-accounts";

/// How long the connection's own account is cached, in milliseconds.
const OWN_ACCOUNT_TTL_MS: u64 = 600_000;

/// What the guards conclude about a request.
#[derive(Default)]
pub struct GuardResult {
    /// A finding for each guard that applies.
    pub findings: Vec<Finding>,
    /// Whether a guard forbids the deletion.
    pub is_refused: bool,
}

/// Evaluates the guards that the settings ask for, for every address of a subject.
///
/// # Errors
/// A guard that cannot be evaluated is an error: it never lets a deletion pass.
pub fn evaluate(context: &mut Context<'_>, request: &Request, subject: &Subject) -> Result<GuardResult, Error> {
    let mut result = GuardResult::default();
    if context.settings.account_guard == AccountGuard::Off {
        return Ok(result);
    }
    let guards_users = context.settings.account_guard == AccountGuard::AllUsers;
    let is_overridden = request.overrides.iter().any(|code| code == STAFF_ACCOUNT);
    let needed = if guards_users && !is_overridden { AccountGuard::AllUsers } else { AccountGuard::OwnAccount };
    let own = load_accounts(context, needed)?.names;
    let guarded = |is_guarded: &dyn Fn(&Secret) -> bool| {
        subject.indices(&|known| known.identifier.as_email().is_some_and(|address| is_guarded(address.key())))
    };
    result.refuse(
        guarded(&|address| own.contains(address)),
        OWN_ACCOUNT,
        "This is the connection's own account. Deleting it would end the connection, so that this guard cannot be overridden: have \
         another administrator delete it.",
    );
    if guards_users && !is_overridden {
        let users = &context.accounts.users;
        result.refuse(
            guarded(&|address| users.contains(address.reveal()) && !own.contains(address)),
            STAFF_ACCOUNT,
            "This is the address of a user of the brand. The deletion would also delete the user's account. With a user, Qualtrics \
             deletes the contact lists that the user owns, leaves the user's surveys without an owner, and stops the user's \
             automations: override staff-account after an operator has confirmed it, or remove the identifier.",
        );
    } else if guards_users {
        let note = "The guard for user accounts was overridden, so that user accounts were not looked up.";
        let identifiers = subject.email_indices();
        result.findings.push(Finding::searched(SOURCE, Amount::Unknown, identifiers).with_code("guard-lifted", note));
    }
    Ok(result)
}

impl GuardResult {
    fn refuse(&mut self, identifiers: Vec<u32>, code: &str, note: &str) {
        if identifiers.is_empty() {
            return;
        }
        self.is_refused = true;
        let finding = Finding::incomplete(SOURCE, SourceState::Guarded, identifiers, code, note);
        self.findings.push(Finding { amount: Amount::Present, ..finding });
    }
}

/// The connection's own account, from the cache or from Qualtrics.
///
/// # Errors
/// If Qualtrics does not return it.
pub fn own_account(context: &mut Context<'_>) -> Result<OwnAccount, Error> {
    load_accounts(context, AccountGuard::OwnAccount)
}

/// Makes sure that the accounts are cached, including those of all users if they are wanted, and returns the connection's own. A failure
/// holds for the whole call, because it may concern many requests.
fn load_accounts(context: &mut Context<'_>, needed: AccountGuard) -> Result<OwnAccount, Error> {
    if let Some(error) = context.call_cache.account_failures.get(&needed) {
        return Err(error.clone());
    }
    let loaded = request_accounts(context, needed);
    if let Err(error) = &loaded {
        context.call_cache.account_failures.insert(needed, error.clone());
    }
    loaded
}

/// As [`load_accounts`]. What is missing is requested concurrently.
fn request_accounts(context: &mut Context<'_>, needed: AccountGuard) -> Result<OwnAccount, Error> {
    let now_ms = context.client.monotonic_ms();
    let scopes = context.scopes(Right::Deletion);
    let cached = context.accounts.own.take();
    let cached = cached.filter(|own| now_ms.saturating_sub(own.fetched_at_ms) <= OWN_ACCOUNT_TTL_MS);
    let needs_users = needed == AccountGuard::AllUsers;
    let fetches_users = needs_users && !context.accounts.users.are_fresh(now_ms);
    let calls: Vec<Call> =
        [cached.is_none().then(Account::call), fetches_users.then(Users::call)].into_iter().flatten().collect();
    let mut responses = context.client.send_all(&scopes, &calls).into_iter();
    let mut next_response = || responses.next().unwrap_or(Err(ApiError::Malformed));
    let own_response = cached.is_none().then(&mut next_response);
    let users_response = fetches_users.then(&mut next_response);

    let own = match (cached, own_response) {
        (Some(own), _) => own,
        (None, response) => {
            let response = response.unwrap_or(Err(ApiError::Malformed));
            let account = Account::parse(&response.map_err(|error| context.error(&error, Scope::Users))?);
            OwnAccount { fetched_at_ms: now_ms, names: account.names, user_id: account.user_id }
        }
    };
    if own.names.is_empty() {
        let message = "Qualtrics does not return the account that this connection acts as, so that it cannot be guarded: check that \
                       the OAuth client has the scope read:users.";
        return Err(Error::new(ErrorKind::UnexpectedResponse, Remedy::Operator, message));
    }
    context.accounts.own = Some(own.clone());
    if needs_users {
        let users = &mut context.accounts.users;
        let started = users_response.map_or(Ok(()), |first_page| users.start(&first_page?, now_ms));
        let complete = started.and_then(|()| context.accounts.users.complete(&mut context.client, &scopes));
        complete.map_err(|error| context.error(&error, Scope::Users))?;
    }
    Ok(own)
}
