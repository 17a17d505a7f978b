//! `check`: every permission is tried with a harmless call, and everything that is missing is named at once.

use super::call::{Call, scopes_for};
use super::contract::{Connection, Error, ErrorKind, Problem, Remedy, Right};
use super::errors::{self, missing, not_administrator, rights_of};
use super::settings::AccountGuard;
use crate::http::{Clock, Transport};
use crate::order;
use crate::prelude::*;
use crate::qualtrics::account::Account;
use crate::qualtrics::client;
use crate::qualtrics::envelope::{Answer, Trouble};
use crate::qualtrics::oauth::{Scope, Scopes};
use crate::qualtrics::users::Users;
use crate::qualtrics::{customer_data, directories, erasure};

/// What a probe says about a permission.
#[derive(Clone, PartialEq, Eq)]
enum Proof {
    Granted,
    Refused(Trouble),
    Unproven,
}

/// `check`.
///
/// # Errors
/// As the contract says.
pub fn check<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, rights: &[Right]) -> Result<Connection, Error> {
    if rights.is_empty() {
        return Err(Error::invalid_request(vec![Problem {
            code: "request",
            subject: "rights".to_owned(),
            blocks: Vec::new(),
            message: "rights must name access, deletion or both.".to_owned(),
        }]));
    }
    let wanted = rights.iter().fold(Scopes::default(), |all, right| all.and(scopes_for(*right, call.settings)));
    let origin = call.settings.origin.to_text();
    let general = |trouble: &Trouble| errors::from_trouble(trouble, None, &origin);
    let mut problems: Vec<Problem> = Vec::new();
    let (granted, told) = match call.client.sign_in(wanted) {
        Ok(told) => (wanted, told),
        Err(Trouble::MissingScopes(lacking)) => {
            problems.extend(lacking.iter().map(missing));
            let rest = wanted.without(lacking);
            // What is granted is tried all the same: everything that is missing is to be named at once.
            if rest.is_empty() {
                return Err(errors::forbidden(for_rights(problems, rights)));
            }
            (rest, call.client.sign_in(rest).map_err(|trouble| general(&trouble))?)
        }
        Err(trouble) => return Err(general(&trouble)),
    };
    let mut probes: Vec<Scope> = Vec::new();
    let mut calls = vec![Account::call()];
    for (scope, probe) in [
        (Scope::Directories, directories::list as fn() -> client::Call),
        (Scope::Erasure, || erasure::list(None)),
        (Scope::CustomerData, customer_data::probe),
        (Scope::Users, Users::call),
    ] {
        if granted.has(scope) {
            probes.push(scope);
            calls.push(probe());
        }
    }
    let mut answers = call.client.wave(granted, &calls).into_iter();
    let account = answers.next().unwrap_or(Err(Trouble::OutOfTime));
    let answers: Vec<(Scope, Result<Answer, Trouble>)> = probes.into_iter().zip(answers).collect();
    // Trouble that is not about permissions: nothing is proved by going on.
    for trouble in
        account.as_ref().err().into_iter().chain(answers.iter().filter_map(|(_, answer)| answer.as_ref().err()))
    {
        if !matches!(trouble, Trouble::Refused(refusal) if refusal.status != 429) && *trouble != Trouble::Unreadable {
            return Err(general(trouble));
        }
    }
    // Qualtrics as a whole fails for the moment: nothing is proved by calling that a warning.
    if let Err(trouble) = &account
        && trouble.is_passing()
        && answers.iter().all(|(_, answer)| answer.as_ref().is_err_and(Trouble::is_passing))
    {
        return Err(general(trouble));
    }
    // Nobody is let in: that is not about one permission or another.
    let refused_sign_in =
        |answer: &Result<Answer, Trouble>| answer.as_ref().is_err_and(|trouble| trouble.status() == Some(401));
    if let Err(trouble) = &account
        && refused_sign_in(&account)
        && answers.iter().all(|(_, answer)| refused_sign_in(answer))
    {
        return Err(general(trouble));
    }
    let account = account.map(|answer| Account::read(&answer));
    let mut warnings: Vec<Problem> = Vec::new();
    let mut proved: Vec<(Scope, Proof)> = Vec::new();
    let mut place = Place::Nowhere;
    for (scope, answer) in answers {
        let proof = match (scope, answer) {
            (Scope::Directories, Ok(answer)) => match directories::read_page(&answer) {
                Ok(listed) => {
                    match listed.split_first() {
                        None => warnings.push(no_directory()),
                        Some((first, others)) => place = Place::Directories(first.clone(), others.to_vec()),
                    }
                    Proof::Granted
                }
                Err(_) => Proof::Unproven,
            },
            (Scope::Directories, Err(trouble)) if trouble.status() == Some(404) => {
                warnings.push(no_directory());
                Proof::Unproven
            }
            (Scope::Directories, Err(trouble)) => {
                let proof = refused(trouble);
                if matches!(proof, Proof::Refused(_)) {
                    place = Place::Hidden;
                }
                proof
            }
            (_, Ok(_)) => Proof::Granted,
            (Scope::CustomerData, Err(trouble)) => of_look_up(trouble),
            (_, Err(trouble)) => refused(trouble),
        };
        proved.push((scope, proof));
    }
    if granted.has(Scope::Contacts) {
        let proof = try_contacts(call, granted, &place, &mut warnings).map_err(|trouble| general(&trouble))?;
        proved.push((Scope::Contacts, proof));
    }
    // Erasures and the list of users are for brand administrators alone: whoever may see either is one, whatever the
    // type of the account is called.
    let administrator = account.as_ref().is_ok_and(Account::is_brand_administrator)
        || [Scope::Erasure, Scope::Users].iter().any(|scope| proved.contains(&(*scope, Proof::Granted)));
    let mut needs_administrator: Vec<Right> = Vec::new();
    for (scope, proof) in &proved {
        // A token whose answer names its scopes, and this one not among them.
        let withheld = told.is_some_and(|told| !told.has(*scope));
        match proof {
            Proof::Granted => {}
            Proof::Refused(_) => {
                let for_administrators = matches!(scope, Scope::Erasure | Scope::CustomerData | Scope::Users);
                if !withheld && for_administrators && account.is_ok() && !administrator {
                    needs_administrator.extend(rights_of(*scope));
                } else {
                    problems.push(missing(*scope));
                }
            }
            Proof::Unproven if withheld => problems.push(missing(*scope)),
            Proof::Unproven => warnings.push(unproven(*scope)),
        }
    }
    order::sort(&mut needs_administrator);
    if !needs_administrator.is_empty() {
        problems.push(not_administrator(&needs_administrator));
    }
    if !problems.is_empty() {
        let status = proved.iter().find_map(|(_, proof)| match proof {
            Proof::Refused(Trouble::Refused(refusal)) => Some(refusal.clone()),
            _ => None,
        });
        let mut error = errors::forbidden(for_rights(problems, rights));
        if let Some(refusal) = status {
            error.http_status = Some(refusal.status);
            error.vendor_code = refusal.code;
            error.vendor_request_id = refusal.request_id;
        }
        return Err(error);
    }
    if let Err(trouble) = &account
        && rights.contains(&Right::Deletion)
        && call.settings.account_guard != AccountGuard::Off
    {
        if trouble.is_passing() {
            return Err(general(trouble));
        }
        let message = "Qualtrics does not say whose account this connection acts as, so it cannot be guarded: make the \
                       OAuth client with the account of a brand administrator, and grant it read:users.";
        let problems = vec![Problem { message: message.to_owned(), ..not_administrator(&[Right::Deletion]) }];
        return Err(Error { problems, ..Error::new(ErrorKind::Forbidden, Remedy::Operator, message) });
    }
    Ok(connection(call, account.ok(), &proved, warnings))
}

fn connection<T: Transport, C: Clock>(
    call: &Call<'_, T, C>,
    account: Option<Account>,
    proved: &[(Scope, Proof)],
    mut warnings: Vec<Problem>,
) -> Connection {
    let mut warn = |code: &'static str, subject: &str, message: &str| {
        warnings.push(Problem { code, subject: subject.to_owned(), blocks: Vec::new(), message: message.to_owned() });
    };
    match &account {
        None => warn("unproven", "whoami", "Qualtrics does not say whose account this connection acts as."),
        Some(account) => {
            if !account.is_brand_administrator() {
                let message = "The account is not of the type of brand administrators, yet everything that was tried is \
                               allowed. If something is refused later, make the OAuth client with such an account.";
                warn("role", "brand administrator", message);
            }
            if account.proxied {
                warn(
                    "datacenter",
                    "datacenter-id",
                    "Answers come by way of another data centre: set datacenter-id to the brand's own.",
                );
            } else if !account.datacenter.is_empty() && !account.datacenter.eq_ignore_ascii_case(&call.settings.region)
            {
                warn(
                    "datacenter",
                    "datacenter-id",
                    "Qualtrics names another data centre than datacenter-id. That is normal where one has two names.",
                );
            }
        }
    }
    let granted = Scope::ALL.into_iter().filter(|scope| proved.contains(&(*scope, Proof::Granted)));
    let account = account.as_ref();
    Connection {
        tenant: account.map(|account| account.brand.clone()).unwrap_or_default(),
        region: account
            .map(|account| account.datacenter.clone())
            .filter(|datacenter| !datacenter.is_empty())
            .unwrap_or_else(|| call.settings.region.clone()),
        account: account.map(|account| account.user.reveal().to_owned()).unwrap_or_default(),
        role: account.map(|account| account.user_type.clone()).unwrap_or_default(),
        granted: granted.map(|scope| scope.name().to_owned()).collect(),
        egress: vec![call.settings.origin.to_text()],
        warnings,
        extra: Vec::new(),
    }
}

/// Where contacts can be looked for.
enum Place {
    /// In these directories, of which there is one at least.
    Directories(String, Vec<String>),
    /// In directories that may not be listed.
    Hidden,
    /// Nowhere that is known.
    Nowhere,
}

/// Tries to search contacts.
///
/// An XM Directory Lite cannot be searched, and how it says so is unconfirmed (fact sheet 8.2). So where a search fails,
/// others are tried, and the look-up of a contact that cannot exist, which needs the same permission.
fn try_contacts<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    granted: Scopes,
    place: &Place,
    warnings: &mut Vec<Problem>,
) -> Result<Proof, Trouble> {
    let (first, others) = match place {
        Place::Nowhere => return Ok(Proof::Unproven),
        Place::Hidden => return of_probe(call.client.call(granted, directories::probe(NO_SUCH_DIRECTORY)), of_look_up),
        Place::Directories(first, others) => (first, others),
    };
    let searched = of_probe(call.client.call(granted, directories::probe(first)), refused)?;
    if searched == Proof::Granted {
        return Ok(searched);
    }
    let mut calls = vec![directories::contact(first, NO_SUCH_CONTACT)];
    calls.extend(others.iter().take(OTHER_DIRECTORIES).map(|directory| directories::probe(directory)));
    let mut answers = call.client.wave(granted, &calls).into_iter();
    let mut proofs = vec![of_probe(answers.next().unwrap_or(Err(Trouble::OutOfTime)), of_look_up)?];
    for answer in answers {
        proofs.push(of_probe(answer, refused)?);
    }
    if proofs.contains(&Proof::Granted) {
        warnings.push(not_searchable());
        return Ok(Proof::Granted);
    }
    Ok(proofs.into_iter().chain([searched]).find(|proof| *proof != Proof::Unproven).unwrap_or(Proof::Unproven))
}

/// What the answer to a probe proves; `of_refusal` reads it where it is a refusal.
fn of_probe(answer: Result<Answer, Trouble>, of_refusal: fn(Trouble) -> Proof) -> Result<Proof, Trouble> {
    match answer {
        Ok(_) => Ok(Proof::Granted),
        Err(trouble @ Trouble::Refused(_)) if trouble.status() != Some(429) => Ok(of_refusal(trouble)),
        Err(Trouble::Unreadable) => Ok(Proof::Unproven),
        Err(trouble) => Err(trouble),
    }
}

/// How many directories are tried where the first cannot be searched: as many as go with it at once.
const OTHER_DIRECTORIES: usize = 3;

/// Ids that nothing has.
const NO_SUCH_DIRECTORY: &str = "POOL_000000000000000";
const NO_SUCH_CONTACT: &str = "CID_000000000000000";

/// What the look-up of something that cannot exist proves.
fn of_look_up(trouble: Trouble) -> Proof {
    match trouble.status() {
        // It is not there, and one was allowed to look.
        Some(400 | 404 | 410) => Proof::Granted,
        _ => refused(trouble),
    }
}

fn refused(trouble: Trouble) -> Proof {
    match trouble.status() {
        Some(401 | 403) => Proof::Refused(trouble),
        _ => Proof::Unproven,
    }
}

fn no_directory() -> Problem {
    Problem {
        code: "not-licensed",
        subject: "XM Directory".to_owned(),
        blocks: Vec::new(),
        message: "The brand has no XM Directory that this account can see: contacts outside it are not searched."
            .to_owned(),
    }
}

fn not_searchable() -> Problem {
    Problem {
        code: "not-searchable",
        subject: "XM Directory".to_owned(),
        blocks: Vec::new(),
        message:
            "A directory of the brand cannot be searched, as XM Directory Lite cannot: requests will be partial, and \
                  say so."
                .to_owned(),
    }
}

fn unproven(scope: Scope) -> Problem {
    Problem {
        code: "unproven",
        subject: scope.name().to_owned(),
        blocks: Vec::new(),
        message: ["Nothing that was tried proves or disproves the scope ", scope.name(), "."].concat(),
    }
}

/// Problems as they stand in the way of the rights that were asked about.
fn for_rights(problems: Vec<Problem>, rights: &[Right]) -> Vec<Problem> {
    let narrow = |mut problem: Problem| {
        problem.blocks.retain(|right| rights.contains(right));
        problem
    };
    problems.into_iter().map(narrow).collect()
}
