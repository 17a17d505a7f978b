//! Calls to Qualtrics' API: signed, paced, in waves, repeated where that is safe.

use super::envelope::{self, Answer, Trouble};
use super::limits::LIMITS;
use super::oauth::{self, Credentials, Scopes, Token};
use crate::http::{
    Cause, Clock, Failure, Head, Limits, Method, Origin, Request, Transport, date::parse_http_date, pacing::Bucket,
};
use crate::json::Object;
use crate::prelude::*;
use crate::secret::Secret;

/// How much of a call may be spent waiting on purpose.
const WAIT_MS: u64 = 5_000;
/// The pause before a read is repeated, where the answer does not name one.
const BACK_OFF_MS: u64 = 500;
/// The longest answer that is read whole.
const BODY_BYTES: usize = 8 * 1024 * 1024;

/// What a connection keeps between calls. All of it can be lost without harm.
pub struct Session {
    origin: Origin,
    credentials: Credentials,
    /// How long an answer may take to begin, and to go on.
    answer_ms: u64,
    tokens: Vec<Token>,
    buckets: Vec<Bucket>,
    /// How far Qualtrics' clock is ahead of the host's, in seconds, as of the last answer that told.
    ahead_s: i64,
}

impl Session {
    /// A session that has made no call. `share_percent` is the part of Qualtrics' limits that it keeps to, `answer_ms` how
    /// long an answer may take to begin, and each time to go on.
    #[must_use]
    pub fn new(origin: Origin, credentials: Credentials, share_percent: u8, answer_ms: u64) -> Self {
        let buckets = LIMITS.iter().map(|limit| Bucket::new(limit.calls_per_minute, share_percent)).collect();
        Self { origin, credentials, answer_ms, tokens: Vec::new(), buckets, ahead_s: 0 }
    }

    /// Where this session's calls go.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// One call to the API.
pub struct Call {
    method: Method,
    /// Below `/API/v3`, percent-encoded, with its query.
    path: String,
    body: Option<Object>,
    /// Whether it may be sent again when nobody knows what became of it.
    repeatable: bool,
}

impl Call {
    /// Reads.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), body: None, repeatable: true }
    }

    /// Posts something that changes nothing: a search.
    #[must_use]
    pub fn search(path: impl Into<String>, body: Object) -> Self {
        Self { method: Method::Post, path: path.into(), body: Some(body), repeatable: true }
    }

    /// Posts something that begins a job. It is sent again only if it is proved that the job was not begun.
    #[must_use]
    pub fn begin(path: impl Into<String>, body: Object) -> Self {
        Self { method: Method::Post, path: path.into(), body: Some(body), repeatable: false }
    }
}

/// One call of the contract on its way to Qualtrics: its time, its waits, its one renewal of the token.
pub struct Client<'a, T: Transport, C: Clock> {
    transport: &'a mut T,
    clock: &'a C,
    session: &'a mut Session,
    deadline_ms: u64,
    waited_ms: u64,
    renewed: bool,
    calls: u64,
}

/// How a call in trouble goes on.
enum SecondTry {
    WithNewToken,
    After(u64),
}

impl<'a, T: Transport, C: Clock> Client<'a, T, C> {
    /// Begins a call of the contract. From here on it has the time of two answers.
    pub fn new(transport: &'a mut T, clock: &'a C, session: &'a mut Session) -> Self {
        let deadline_ms = clock.monotonic_ms().saturating_add(session.answer_ms.saturating_mul(2));
        Self { transport, clock, session, deadline_ms, waited_ms: 0, renewed: false, calls: 0 }
    }

    /// The host's time, in seconds since 1970.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        self.clock.wall_ms() / 1_000
    }

    /// A second of the host's clock, on Qualtrics' clock.
    #[must_use]
    pub const fn at_qualtrics(&self, host_s: u64) -> u64 {
        host_s.saturating_add_signed(self.session.ahead_s)
    }

    /// A second of Qualtrics' clock, on the host's clock.
    #[must_use]
    pub const fn at_host(&self, qualtrics_s: u64) -> u64 {
        qualtrics_s.saturating_add_signed(self.session.ahead_s.saturating_neg())
    }

    /// The time on the monotonic clock.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.clock.monotonic_ms()
    }

    /// How much time this call has left, in milliseconds.
    #[must_use]
    pub fn time_left_ms(&self) -> u64 {
        self.deadline_ms.saturating_sub(self.clock.monotonic_ms())
    }

    /// Whether less than a third of this call's time is left.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.time_left_ms() < self.session.answer_ms.saturating_mul(2) / 3
    }

    /// How many requests were sent so far.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// In how many milliseconds this connection's share of the limits has room for so many calls like this at once, or for
    /// as many as it ever has.
    #[must_use]
    pub fn wait_for(&self, call: &Call, count: u64) -> u64 {
        let (path, now) = ([API, &call.path].concat(), self.clock.monotonic_ms());
        let limited = LIMITS.iter().zip(&self.session.buckets).filter(|(limit, _)| limit.counts(call.method, &path));
        limited.map(|(_, bucket)| bucket.wait_for(count, now)).max().unwrap_or(0)
    }

    /// The limits of one exchange of this call.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        let answer_ms = self.session.answer_ms;
        Limits { response_ms: answer_ms, idle_ms: answer_ms, deadline_ms: self.deadline_ms, body_bytes: BODY_BYTES }
    }

    /// Makes one call. See [`Self::wave`].
    ///
    /// # Errors
    /// What went wrong.
    pub fn call(&mut self, need: Scopes, call: Call) -> Result<Answer, Trouble> {
        self.wave(need, &[call]).pop().unwrap_or(Err(Trouble::Unreadable))
    }

    /// Makes calls at once, with a token that holds the scopes `need`. The results stand in the order of the calls.
    ///
    /// Once in a call of the contract, calls answered by 401 are repeated with a new token. Repeatable calls are
    /// repeated once after a passing failure; every call is after a 429 that asks for a short enough wait.
    pub fn wave(&mut self, need: Scopes, calls: &[Call]) -> Vec<Result<Answer, Trouble>> {
        let mut results: Vec<Result<Answer, Trouble>> = calls.iter().map(|_| Err(Trouble::OutOfTime)).collect();
        let mut waiting: Vec<(usize, bool)> = (0..calls.len()).map(|index| (index, false)).collect();
        while !waiting.is_empty() {
            // To ask for the time is a call of the host: once for all that are sent together.
            let mut now_ms = self.clock.monotonic_ms();
            let token = match self.token(need, &mut now_ms) {
                Ok(token) => token,
                Err(trouble) => {
                    put(&mut results, waiting.iter().map(|(index, _)| (*index, Err(trouble.clone()))));
                    return results;
                }
            };
            if now_ms >= self.deadline_ms {
                return results;
            }
            let mut sent = Vec::new();
            let mut requests = Vec::new();
            for (index, repeated) in waiting.drain(..) {
                let Some(call) = calls.get(index) else { continue };
                match self.reserve(call, &mut now_ms) {
                    Ok(()) => {
                        requests.push(self.request(call, &token));
                        sent.push((index, repeated, call));
                    }
                    Err(wait) => put(&mut results, [(index, Err(Trouble::OwnShare(wait)))]),
                }
            }
            if sent.is_empty() {
                return results;
            }
            let responses = self.transport.exchange(requests, self.limits());
            let now_s = self.now_s();
            let may_renew = !self.renewed;
            let mut pause = None;
            for ((index, repeated, call), response) in sent.into_iter().zip(responses) {
                let result = match response {
                    Ok(response) => {
                        self.note_date(&response.head, now_s);
                        envelope::read(&response, now_s)
                    }
                    Err(failure) => Err(Trouble::NoAnswer(failure)),
                };
                let second = result.as_ref().err().and_then(|trouble| self.second_try(call.repeatable, trouble));
                match second {
                    Some(SecondTry::WithNewToken) if may_renew => {
                        self.renewed = true;
                        self.session.tokens.clear();
                        waiting.push((index, repeated));
                    }
                    Some(SecondTry::After(wait)) if !repeated => {
                        pause = pause.max(Some(wait));
                        waiting.push((index, true));
                    }
                    _ => {}
                }
                put(&mut results, [(index, result)]);
            }
            if let Some(pause) = pause {
                self.wait(pause);
            }
        }
        results
    }

    /// Asks for something that is read piece by piece, with further headers. What `head` rejects is an error.
    ///
    /// # Errors
    /// What went wrong, as for [`Self::wave`].
    pub fn open(
        &mut self,
        need: Scopes,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<(Head, T::Body), Trouble> {
        let call = Call::get(path);
        let mut repeated = false;
        loop {
            let mut now_ms = self.clock.monotonic_ms();
            let token = self.token(need, &mut now_ms)?;
            self.reserve(&call, &mut now_ms).map_err(Trouble::OwnShare)?;
            if now_ms >= self.deadline_ms {
                return Err(Trouble::OutOfTime);
            }
            let mut request = self.request(&call, &token);
            request.headers.retain(|(name, _)| *name != "accept");
            request.headers.push(("accept", Secret::new("*/*")));
            request.headers.extend(headers.iter().map(|(name, value)| (*name, Secret::new(value.clone()))));
            let trouble = match self.transport.open(request, self.limits()) {
                Err(failure) => Trouble::NoAnswer(failure),
                Ok((head, body)) => {
                    let now_s = self.now_s();
                    self.note_date(&head, now_s);
                    let html =
                        head.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("text/html"));
                    match head.status {
                        // A page of something that stands between is no file of Qualtrics'.
                        200..=299 if html => Trouble::Unreadable,
                        200..=299 => return Ok((head, body)),
                        300..=399 => Trouble::Redirected(head.status),
                        // The error's text is not worth reading: the status decides.
                        _ => Trouble::Refused(envelope::refusal(&head, head.status, None, now_s)),
                    }
                }
            };
            match self.second_try(true, &trouble) {
                Some(SecondTry::WithNewToken) if !self.renewed => {
                    self.renewed = true;
                    self.session.tokens.clear();
                }
                Some(SecondTry::After(wait)) if !repeated => {
                    repeated = true;
                    self.wait(wait);
                }
                _ => return Err(trouble),
            }
        }
    }

    /// Signs in, or makes sure that it is done.
    ///
    /// # Errors
    /// [`Trouble::MissingScopes`] names exactly the scopes that are missing.
    pub fn sign_in(&mut self, need: Scopes) -> Result<Option<Scopes>, Trouble> {
        self.token(need, &mut self.clock.monotonic_ms()).map(|token| token.told)
    }

    /// A token with these scopes. `now_ms` is the time, before and after.
    fn token(&mut self, need: Scopes, now_ms: &mut u64) -> Result<Token, Trouble> {
        self.session.tokens.retain(|token| token.stale_at_ms > *now_ms);
        if let Some(token) = self.session.tokens.iter().find(|token| token.scopes.covers(need)) {
            return Ok(token.clone());
        }
        let token = self.mint(&[need]).pop().unwrap_or(Err(Trouble::OutOfTime));
        *now_ms = self.clock.monotonic_ms();
        match token {
            Ok(token) => {
                self.session.tokens.push(token.clone());
                Ok(token)
            }
            Err(trouble) => Err(self.find_missing(need, trouble)),
        }
    }

    /// Qualtrics says that a scope is missing, but not which; or it refuses without a word why. One token for each scope
    /// tells: client id and secret that are good for one scope are good.
    fn find_missing(&mut self, asked: Scopes, trouble: Trouble) -> Trouble {
        let told = match &trouble {
            Trouble::MissingScopes(_) => true,
            Trouble::SignIn(refusal) if refusal.code.is_none() && refusal.status != 404 => false,
            _ => return trouble,
        };
        let singles: Vec<Scopes> = asked.iter().map(|scope| Scopes::of(&[scope])).collect();
        if singles.len() < 2 {
            return trouble;
        }
        let mut missing = Scopes::default();
        for (scope, token) in singles.iter().zip(self.mint(&singles)) {
            match token {
                Ok(_) => {}
                Err(Trouble::MissingScopes(_)) => missing = missing.and(*scope),
                Err(Trouble::SignIn(_)) if !told => missing = missing.and(*scope),
                Err(trouble) => return trouble,
            }
        }
        match (told, missing) {
            (false, missing) if missing == asked || missing.is_empty() => trouble,
            // Each alone, yet not all together: there is no telling, so all are named.
            (_, missing) => Trouble::MissingScopes(if missing.is_empty() { asked } else { missing }),
        }
    }

    /// Fetches tokens, one for each set of scopes; once more for those that met a passing failure.
    fn mint(&mut self, sets: &[Scopes]) -> Vec<Result<Token, Trouble>> {
        let mut tokens: Vec<Result<Token, Trouble>> = sets.iter().map(|_| Err(Trouble::OutOfTime)).collect();
        let mut waiting: Vec<(usize, Scopes)> = sets.iter().copied().enumerate().collect();
        for last in [false, true] {
            if waiting.is_empty() || self.time_left_ms() == 0 {
                break;
            }
            let requests =
                waiting.iter().map(|(_, set)| oauth::request(&self.session.origin, &self.session.credentials, *set));
            let responses = self.transport.exchange(requests.collect(), self.limits());
            let (now_ms, now_s) = (self.clock.monotonic_ms(), self.now_s());
            let mut pause = None;
            for ((index, set), response) in core::mem::take(&mut waiting).into_iter().zip(responses) {
                let token = match response {
                    Ok(response) => {
                        self.note_date(&response.head, now_s);
                        oauth::read(&response, set, now_ms, now_s)
                    }
                    Err(failure) => Err(Trouble::NoAnswer(failure)),
                };
                if let Err(trouble) = &token
                    && !last
                    && let Some(SecondTry::After(wait)) = self.second_try(true, trouble)
                {
                    pause = pause.max(Some(wait));
                    waiting.push((index, set));
                }
                put(&mut tokens, [(index, token)]);
            }
            if let Some(pause) = pause {
                self.wait(pause);
            }
        }
        tokens
    }

    /// Whether a call in trouble is worth a second try, within the waits that this call has left.
    fn second_try(&self, repeatable: bool, trouble: &Trouble) -> Option<SecondTry> {
        let wait = match trouble {
            // A 401 that is not Qualtrics' own proves nothing about a call that starts a job.
            Trouble::Refused(refusal) if refusal.status == 401 => {
                return (repeatable || trouble.began_nothing()).then_some(SecondTry::WithNewToken);
            }
            // Nothing was begun: this holds for every call, but only if Qualtrics says how long to wait.
            Trouble::Refused(refusal) if refusal.status == 429 => refusal.retry_after_ms?,
            Trouble::Refused(refusal) if refusal.status >= 500 && repeatable => {
                refusal.retry_after_ms.unwrap_or(BACK_OFF_MS)
            }
            Trouble::NoAnswer(Failure { cause: Cause::Denied | Cause::TooLarge | Cause::Refused, .. }) => return None,
            Trouble::NoAnswer(_) | Trouble::Unreadable if repeatable => BACK_OFF_MS,
            _ => return None,
        };
        // A second try that could not be answered in time would only make the call late.
        let time = wait.saturating_add(self.session.answer_ms) <= self.time_left_ms();
        (time && wait <= self.longest_wait()).then_some(SecondTry::After(wait))
    }

    /// How long this call may still wait on purpose, in milliseconds.
    fn longest_wait(&self) -> u64 {
        WAIT_MS.saturating_sub(self.waited_ms).min(self.time_left_ms())
    }

    fn wait(&mut self, ms: u64) {
        self.waited_ms = self.waited_ms.saturating_add(ms);
        if ms > 0 {
            self.clock.sleep(ms);
        }
    }

    /// Takes a call's place in every limit that counts it, waiting a little if need be. `now_ms` is the time, before and
    /// after.
    fn reserve(&mut self, call: &Call, now_ms: &mut u64) -> Result<(), u64> {
        self.calls = self.calls.saturating_add(1);
        let path = [API, &call.path].concat();
        for (limit, place) in LIMITS.iter().zip(0_usize..) {
            if !limit.counts(call.method, &path) {
                continue;
            }
            let taken = self.take(place, *now_ms);
            let Err(wait) = taken else { continue };
            if wait > self.longest_wait() {
                return Err(wait);
            }
            self.wait(wait);
            *now_ms = self.clock.monotonic_ms();
            self.take(place, *now_ms)?;
        }
        Ok(())
    }

    fn take(&mut self, place: usize, now_ms: u64) -> Result<(), u64> {
        self.session.buckets.get_mut(place).map_or(Ok(()), |bucket| bucket.take(now_ms))
    }

    fn request(&self, call: &Call, token: &Token) -> Request {
        let mut headers = vec![
            ("authorization", token.header.clone()),
            ("accept", Secret::new("application/json")),
            // Bodies are read as they are sent: nothing here can unpack them.
            ("accept-encoding", Secret::new("identity")),
        ];
        let body = call.body.as_ref().map(Object::to_bytes);
        if body.is_some() {
            headers.push(("content-type", Secret::new("application/json")));
        }
        Request {
            method: call.method,
            origin: self.session.origin.clone(),
            path: [API, &call.path].concat(),
            headers,
            body: body.unwrap_or_default(),
        }
    }

    fn note_date(&mut self, head: &Head, now_s: u64) {
        let Some(theirs) = head.header("date").and_then(parse_http_date) else { return };
        self.session.ahead_s = i64::try_from(theirs).unwrap_or(0).saturating_sub(i64::try_from(now_s).unwrap_or(0));
    }
}

const API: &str = "/API/v3";

fn put<R>(results: &mut [R], new: impl IntoIterator<Item = (usize, R)>) {
    for (index, result) in new {
        if let Some(place) = results.get_mut(index) {
            *place = result;
        }
    }
}

#[cfg(test)]
mod tests;
