//! Signing in: OAuth 2.0 client credentials (fact sheet 2).

use core::iter;

use base64ct::{Base64UrlUnpadded, Encoding};

use super::envelope::{self, Refusal, Trouble};
use super::word::mentions;
use crate::http::{Head, Method, Origin, Request, Response};
use crate::json::Json;
use crate::prelude::*;
use crate::secret::Secret;

/// A permission of an OAuth client, as it is ticked where the client is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Customer data requests: the export of an access request.
    CustomerData,
    /// Erasures, and searches for what an erasure would reach.
    Erasure,
    /// The list of directories. Whether it is needed for it is unconfirmed.
    Directories,
    /// Searching directories, and reading contacts.
    Contacts,
    /// The list of users, for the account guard.
    Users,
}

impl Scope {
    /// All of them, in the order of the set-up page.
    pub const ALL: [Self; 5] = [Self::CustomerData, Self::Erasure, Self::Directories, Self::Contacts, Self::Users];

    /// Qualtrics' name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerData => "manage:customer_data_requests",
            Self::Erasure => "manage:erasure_requests",
            Self::Directories => "read:directories",
            Self::Contacts => "read:directory_contacts",
            Self::Users => "read:users",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::CustomerData => 1,
            Self::Erasure => 2,
            Self::Directories => 4,
            Self::Contacts => 8,
            Self::Users => 16,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Scopes(u8);

impl Scopes {
    /// The set of these.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        scopes.iter().fold(Self(0), |set, scope| set.and(Self(scope.bit())))
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without another.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether one scope is in it.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of another set is in it.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in the order of the set-up page.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

/// What signs in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The OAuth client's id. Never holds a colon.
    pub client_id: Secret,
    /// The OAuth client's secret.
    pub client_secret: Secret,
}

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    /// What it may do, as it was asked for.
    pub scopes: Scopes,
    /// What the answer said that it may do, where it said it: RFC 6749, section 5.1, lets a server grant less.
    pub told: Option<Scopes>,
    /// The value of the `authorization` header.
    pub header: Secret,
    /// When to fetch another, on the monotonic clock: a minute before it expires.
    pub stale_at_ms: u64,
}

/// The longest life of a token that is believed; and its life where the answer does not say.
const LIFE_S: u64 = 3_600;

/// How long before it expires a token is no longer used; of a token that lives shorter than twice this, half its life.
const MARGIN_S: u64 = 60;

/// Asks for a token with these scopes: HTTP Basic, form body. The scopes are always named: what a token without them
/// may do is unconfirmed.
#[must_use]
pub fn request(origin: &Origin, credentials: &Credentials, scopes: Scopes) -> Request {
    let pair = [credentials.client_id.reveal(), ":", credentials.client_secret.reveal()].concat();
    let names: Vec<String> = scopes.iter().map(|scope| super::cursor::encode(scope.name())).collect();
    Request {
        method: Method::Post,
        origin: origin.clone(),
        path: "/oauth2/token".to_owned(),
        headers: vec![
            ("authorization", Secret::new(["Basic ", &base64(&pair)].concat())),
            ("content-type", Secret::new("application/x-www-form-urlencoded")),
            ("accept", Secret::new("application/json")),
        ],
        body: ["grant_type=client_credentials&scope=", &names.join("+")].concat().into_bytes(),
    }
}

/// In Base64. It is written like tickets, in the other alphabet: two signs are not the same, and it is filled up.
fn base64(text: &str) -> String {
    let unpadded = Base64UrlUnpadded::encode_string(text.as_bytes());
    let signs = unpadded.chars().map(|sign| match sign {
        '-' => '+',
        '_' => '/',
        sign => sign,
    });
    let padding = unpadded.len().wrapping_neg() % 4;
    signs.chain(iter::repeat_n('=', padding)).collect()
}

/// Reads the answer to [`request`].
///
/// # Errors
/// [`Trouble::MissingScopes`] with *all* the scopes that were asked for where the answer says that one is not granted
/// (it does not say which); [`Trouble::SignIn`] where client id and secret are not accepted; else what went wrong.
pub fn read(response: &Response, scopes: Scopes, now_ms: u64, now_s: u64) -> Result<Token, Trouble> {
    let Head { status, .. } = response.head;
    let body: Option<Json> = Json::read(&response.body);
    let token = body.as_ref().and_then(|body| member(body, "access_token")).and_then(Json::as_str);
    let printable = |token: &&str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let (Some(body), Some(token), 200..=299) = (&body, token.filter(printable), status) else {
        return Err(trouble(&response.head, body.as_ref(), scopes, now_s));
    };
    let life = member(body, "expires_in").and_then(Json::as_count);
    let life = life.filter(|life| *life > 0).unwrap_or(LIFE_S).min(LIFE_S);
    let told = member(body, "scope").and_then(Json::as_str).map(|told| {
        let told: Vec<&str> = told.split([' ', ',']).collect();
        let known: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| told.contains(&scope.name())).collect();
        Scopes::of(&known)
    });
    Ok(Token {
        scopes,
        // A spelling of scopes in which not one is recognised says nothing.
        told: told.filter(|told| !told.is_empty()),
        header: Secret::new(["Bearer ", token].concat()),
        stale_at_ms: now_ms.saturating_add(life.saturating_sub(MARGIN_S.min(life / 2)).saturating_mul(1_000)),
    })
}

/// A member of the answer itself, or of its `result`: an envelope around the token is not known, and costs nothing.
fn member<'a>(body: &'a Json, name: &str) -> Option<&'a Json> {
    body.get(name).or_else(|| body.get("result")?.get(name))
}

fn trouble(head: &Head, body: Option<&Json>, scopes: Scopes, now_s: u64) -> Trouble {
    let refusal: Refusal = envelope::refusal(head, head.status, body, now_s);
    match head.status {
        400..=403 if refusal.code.as_ref().is_some_and(|code| mentions(&code.to_ascii_lowercase(), "scope")) => {
            Trouble::MissingScopes(scopes)
        }
        400 | 401 | 403 | 404 => Trouble::SignIn(refusal),
        400.. => Trouble::Refused(refusal),
        300..=399 => Trouble::Redirected(head.status),
        // RFC 6749 errors under a 200 are not known of Qualtrics, but an error is no token.
        _ if refusal.code.is_some() => Trouble::SignIn(refusal),
        _ => Trouble::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Token, Trouble> {
        let response = Response { head: Head { status, headers: Vec::new() }, body: body.as_bytes().to_vec() };
        read(&response, Scopes::of(&[Scope::Users, Scope::Erasure]), 1_000, 0)
    }

    #[test]
    fn basic_is_written_in_the_usual_base64() {
        // Every sign of the alphabet, and every length of the last group.
        let signs: String = ('\0'..='\u{fff}').collect();
        for (end, _) in signs.char_indices().chain([(signs.len(), ' ')]) {
            let text = signs.get(..end).unwrap_or_default();
            assert!(base64(text) == base64ct::Base64::encode_string(text.as_bytes()), "{end}");
        }
    }

    #[test]
    fn a_token_is_stale_a_minute_before_it_expires() {
        let stale = |body| answer(200, body).map(|token| token.stale_at_ms).ok();
        assert_eq!(stale(r#"{"access_token":"t","expires_in":600}"#), Some(541_000));
        assert_eq!(stale(r#"{"access_token":"t","expires_in":"600"}"#), Some(541_000));
        assert_eq!(stale(r#"{"access_token":"t"}"#), Some(3_541_000));
        assert_eq!(stale(r#"{"access_token":"t","expires_in":-1}"#), Some(3_541_000));
        assert_eq!(stale(r#"{"access_token":"t","expires_in":99999999999}"#), Some(3_541_000));
    }

    #[test]
    fn a_scope_that_is_not_granted_is_told_apart_from_a_wrong_secret() {
        for body in [r#"{"error":"invalid_scope"}"#, r#"{"meta":{"error":{"errorCode":"invalid_scope"}}}"#] {
            assert!(matches!(answer(400, body), Err(Trouble::MissingScopes(_))));
        }
        for body in [r#"{"error":"invalid_client"}"#, "", "<html>"] {
            assert!(matches!(answer(401, body), Err(Trouble::SignIn(_))));
        }
    }

    #[test]
    fn a_token_that_could_break_a_header_is_refused() {
        assert!(answer(200, r#"{"access_token":"a\r\nx: y"}"#).is_err());
        assert!(answer(200, r#"{"access_token":""}"#).is_err());
    }

    #[test]
    fn the_answer_may_grant_less_than_was_asked() {
        let told = |body| answer(200, body).ok().and_then(|token| token.told);
        assert_eq!(told(r#"{"access_token":"t","scope":"read:users openid"}"#), Some(Scopes::of(&[Scope::Users])));
        assert_eq!(told(r#"{"access_token":"t","scope":"all"}"#), None);
    }
}
