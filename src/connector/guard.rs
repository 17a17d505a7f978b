//! The account guard: no deletion of an account that somebody works with.
//!
//! Qualtrics erases the account of a user whose address is erased (fact sheet 6.4). The connection's own account is
//! never let go; other users' are, once a person confirmed it for the request.

use super::call::Call;
use super::contract::{Amount, Error, ErrorKind, Finding, Remedy, Request, Right, SourceState};
use super::settings::AccountGuard;
use super::subject::Subject;
use crate::http::{Clock, Transport};
use crate::prelude::*;
use crate::qualtrics::account::Account;
use crate::qualtrics::client;
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::oauth::Scope;
use crate::qualtrics::users::Users;
use crate::secret::Secret;

/// The code of the guard over the connection's own account. It cannot be confirmed.
pub const OWN_ACCOUNT: &str = "own-account";
/// The code of the guard over the other users of the brand.
pub const STAFF_ACCOUNT: &str = "staff-account";
/// The source of the guards' findings.
const SOURCE: &str = "user-accounts";

/// How long the connection's own account is remembered, in milliseconds.
const FRESH_MS: u64 = 600_000;

/// The accounts of a brand, as far as an instance has read them.
#[derive(Default)]
pub struct Accounts {
    own: Option<(u64, Vec<Secret>)>,
    users: Users,
}

/// What the guards say of a request.
pub struct Verdict {
    /// A finding for each guard that has something to say.
    pub findings: Vec<Finding>,
    /// Whether a guard forbids the deletion.
    pub refused: bool,
}

/// Tries the guards that the settings ask for against every address of a subject.
///
/// # Errors
/// A guard that cannot be tried is an error: it never lets anything pass.
pub fn try_guards<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    request: &Request,
    subject: &Subject,
) -> Result<Verdict, Error> {
    let mut verdict = Verdict { findings: Vec::new(), refused: false };
    if call.settings.account_guard == AccountGuard::Off {
        return Ok(verdict);
    }
    let guarded =
        |is_guarded: &dyn Fn(&Secret) -> bool| subject.indices(&|name| name.address().is_some_and(is_guarded));
    let confirmed = request.confirmed.iter().any(|code| code == STAFF_ACCOUNT);
    let everyone = call.settings.account_guard == AccountGuard::AllUsers && !confirmed;
    let own = read_accounts(call, everyone)?;
    let names = guarded(&|address| own.contains(address));
    if !names.is_empty() {
        verdict.refused = true;
        verdict.findings.push(finding(
            SourceState::Guarded,
            names,
            OWN_ACCOUNT,
            "This is the account of the connection itself. Deleting it would end the connection, so that cannot be \
             confirmed: have another administrator delete it.",
        ));
    }
    if everyone {
        let users = &call.accounts.users;
        let names = guarded(&|address| users.has(address.reveal()) && !own.contains(address));
        if !names.is_empty() {
            verdict.refused = true;
            verdict.findings.push(finding(
                SourceState::Guarded,
                names,
                STAFF_ACCOUNT,
                "This is a user of the brand, whose account would be deleted, too: have a person confirm \
                 staff-account, or remove the name.",
            ));
        }
    } else if call.settings.account_guard == AccountGuard::AllUsers {
        let note = "A person confirmed that user accounts may be deleted, so whether there are any was not looked up.";
        let names = subject.address_indices();
        verdict.findings.push(finding(SourceState::Searched, names, "guard-lifted", note));
    }
    Ok(verdict)
}

/// Makes sure that the accounts are known, those of all users if they are wanted: the names of the connection's own. What
/// is not remembered is asked for at once.
fn read_accounts<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, everyone: bool) -> Result<Vec<Secret>, Error> {
    let now = call.client.monotonic_ms();
    let need = call.need(Right::Deletion);
    let remembered = call.accounts.own.take().filter(|(at, _)| now.saturating_sub(*at) <= FRESH_MS);
    let ask_own = remembered.is_none();
    let ask_users = everyone && !call.accounts.users.are_fresh(now);
    let asked = [ask_own.then(Account::call), ask_users.then(Users::call)];
    let asked: Vec<client::Call> = asked.into_iter().flatten().collect();
    let mut answers = call.client.wave(need, &asked).into_iter();
    let mut next = || answers.next().unwrap_or(Err(Trouble::Unreadable));
    let own_answer = ask_own.then(&mut next);
    let users_answer = ask_users.then(&mut next);

    let own = match own_answer {
        None => remembered.unwrap_or_default(),
        Some(answer) => (now, Account::read(&answer.map_err(|trouble| call.error(&trouble, Scope::Users))?).names),
    };
    if own.1.is_empty() {
        let message = "Qualtrics does not say whose account this connection acts as, so it cannot be guarded.";
        return Err(Error::new(ErrorKind::Protocol, Remedy::Operator, message));
    }
    let names = own.1.clone();
    call.accounts.own = Some(own);
    if everyone {
        let begun = users_answer.map_or(Ok(()), |first| call.accounts.users.begin(&first?, now));
        let read = begun.and_then(|()| call.accounts.users.read_on(&mut call.client, need));
        read.map_err(|trouble| call.error(&trouble, Scope::Users))?;
    }
    Ok(names)
}

fn finding(state: SourceState, names: Vec<u32>, code: &'static str, note: &'static str) -> Finding {
    let amount = if state == SourceState::Guarded { Amount::SomeData } else { Amount::Unknown };
    Finding { amount, state, ..Finding::unanswered(SOURCE, state, names, code, note) }
}
