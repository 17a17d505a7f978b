//! How calls are authenticated, rate limited and repeated, against scripted responses.

#![allow(clippy::arithmetic_side_effects, reason = "tests may count")]

use std::cell::Cell;
use std::collections::VecDeque;

use serde_json::json;

use super::*;
use crate::http::retry::BACK_OFF_MS;
use crate::http::{Body, Cause, ResponseHead};
use crate::qualtrics::api::host;
use crate::qualtrics::api::oauth::Credentials;
use crate::qualtrics::scopes::Scope;

type ScriptedResponse = Result<Response, TransportError>;

/// Returns its responses in order, whatever is requested.
#[derive(Default)]
struct Script {
    responses: VecDeque<ScriptedResponse>,
    /// The paths of the requests, for each batch.
    batches: Vec<Vec<String>>,
    authorizations: Vec<String>,
}

struct NoBody;

impl Body for NoBody {
    fn read(&mut self, _: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        Ok(Vec::new())
    }
}

impl Transport for Script {
    fn exchange(&mut self, requests: Vec<Request>, _: ExchangeLimits) -> Vec<ScriptedResponse> {
        self.batches.push(requests.iter().map(|request| request.path.clone()).collect());
        self.authorizations.extend(requests.iter().map(|request| request.headers[0].1.reveal().to_owned()));
        requests.iter().map(|_| self.responses.pop_front().expect("a scripted response")).collect()
    }

    fn open(&mut self, _: Request, _: ExchangeLimits) -> Result<(ResponseHead, Box<dyn Body>), TransportError> {
        let response = self.responses.pop_front().expect("a scripted response")?;
        Ok((response.head, Box::new(NoBody)))
    }
}

#[derive(Default)]
struct SimulatedClock(Cell<u64>);

impl Clock for SimulatedClock {
    fn wall_ms(&self) -> u64 {
        1_767_225_600_000 + self.0.get()
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.get()
    }

    fn sleep(&self, ms: u64) {
        self.0.set(self.0.get() + ms);
    }
}

/// A connection with scripted responses and a simulated clock.
struct Setup {
    transport: Script,
    clock: SimulatedClock,
    session: Session,
}

const TIMEOUT_MS: u64 = 30_000;

impl Setup {
    fn new(responses: impl IntoIterator<Item = ScriptedResponse>) -> Self {
        let credentials = Credentials { client_id: Secret::new("id"), client_secret: Secret::new("secret") };
        let session = Session::new(host::datacenter("fra1").expect("a data centre"), credentials, 75, TIMEOUT_MS);
        let transport = Script { responses: responses.into_iter().collect(), ..Script::default() };
        Self { transport, clock: SimulatedClock::default(), session }
    }

    fn client(&mut self) -> Client<'_> {
        Client::new(&mut self.transport, &self.clock, &mut self.session)
    }

    /// Makes calls in one call of the contract, which must use all responses.
    fn send_all(&mut self, calls: &[Call]) -> Vec<Result<(), ApiError>> {
        let results = self.client().send_all(&scopes(), calls);
        assert!(self.transport.responses.is_empty(), "every scripted response was used");
        results.into_iter().map(|result| result.map(|_| ())).collect()
    }
}

fn scopes() -> Scopes {
    Scopes::from([Scope::Erasure])
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> ScriptedResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Response { head: ResponseHead { status, headers }, body: body.as_bytes().to_vec() })
}

fn empty(status: u16) -> ScriptedResponse {
    response(status, &[], "")
}

/// An error in Qualtrics' envelope.
fn rejection(status: u16) -> ScriptedResponse {
    response(status, &[], r#"{"meta":{"error":{"errorCode":"E_1"}}}"#)
}

fn token(name: &str) -> ScriptedResponse {
    response(200, &[], &format!(r#"{{"access_token":"{name}","expires_in":3600}}"#))
}

fn success() -> ScriptedResponse {
    response(200, &[], r#"{"result":{}}"#)
}

fn read() -> Call {
    Call::get("/whoami")
}

fn start() -> Call {
    Call::start("/op-erase-personal-data", json!({}))
}

fn status(result: &Result<(), ApiError>) -> Option<u16> {
    result.as_ref().err().and_then(ApiError::status)
}

#[test]
fn one_new_token_serves_all_calls_that_got_a_401() {
    let mut setup = Setup::new([token("old"), empty(401), rejection(401), token("new"), success(), success()]);
    assert_eq!(setup.send_all(&[read(), start()]), [Ok(()), Ok(())]);
    assert_eq!(setup.transport.batches.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1, 2]);
    assert_eq!(setup.transport.authorizations[4..], ["Bearer new", "Bearer new"]);
}

#[test]
fn a_401_outside_the_envelope_does_not_repeat_a_start() {
    let mut setup = Setup::new([token("t"), empty(401)]);
    assert_eq!(status(&setup.send_all(&[start()])[0]), Some(401));
}

#[test]
fn a_second_401_is_final() {
    let mut setup = Setup::new([token("old"), empty(401), token("new"), empty(401)]);
    assert_eq!(status(&setup.send_all(&[read()])[0]), Some(401));
}

#[test]
fn a_read_is_repeated_once_after_a_transient_error() {
    let interrupted = Err(TransportError::after_sending(Cause::Interrupted));
    for error in [empty(503), interrupted, empty(200)] {
        let mut setup = Setup::new([token("t"), error, success()]);
        assert_eq!(setup.send_all(&[read()]), [Ok(())]);
        assert_eq!(setup.clock.0.get(), BACK_OFF_MS);
    }
    let mut setup = Setup::new([token("t"), empty(500), empty(502)]);
    assert_eq!(status(&setup.send_all(&[read()])[0]), Some(502));
}

#[test]
fn a_start_is_never_repeated_while_its_outcome_is_unknown() {
    let interrupted = Err(TransportError::after_sending(Cause::Interrupted));
    let delayed = response(503, &[("retry-after", "1")], r#"{"meta":{"error":{"errorCode":"E_1"}}}"#);
    for error in [empty(500), empty(503), delayed, interrupted, empty(200), response(200, &[], "<html>"), empty(307)] {
        let mut setup = Setup::new([token("t"), error]);
        assert!(setup.send_all(&[start()])[0].is_err());
        assert_eq!(setup.transport.batches.len(), 2);
    }
}

#[test]
fn a_start_is_repeated_if_it_was_not_sent() {
    let mut setup = Setup::new([token("t"), Err(TransportError::before_sending(Cause::Unreachable)), success()]);
    assert_eq!(setup.send_all(&[start()]), [Ok(())]);
}

#[test]
fn a_429_is_repeated_if_it_names_a_short_delay() {
    let limited = |delay| response(429, &[("retry-after", delay)], "");
    for (delay, waited_ms) in [("3", 3_000), ("0", 1_000)] {
        let mut setup = Setup::new([token("t"), limited(delay), success()]);
        assert_eq!(setup.send_all(&[start()]), [Ok(())]);
        assert_eq!(setup.clock.0.get(), waited_ms);
    }
    for last in [limited("6"), empty(429)] {
        let mut setup = Setup::new([token("t"), last]);
        assert_eq!(status(&setup.send_all(&[start()])[0]), Some(429));
        assert_eq!(setup.clock.0.get(), 0);
    }
}

#[test]
fn only_the_calls_that_failed_are_repeated() {
    let mut setup = Setup::new([token("t"), success(), empty(503), success(), success()]);
    assert_eq!(setup.send_all(&[read(), Call::get("/users"), read()]), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(setup.transport.batches[2], ["/API/v3/users"]);
}

#[test]
fn calls_beyond_the_share_are_not_sent() {
    let mut setup = Setup::new([token("t")].into_iter().chain((0..16).map(|_| success())));
    for _ in 0..15 {
        assert!(setup.client().call(&scopes(), start()).is_ok());
    }
    assert_eq!(setup.client().call(&scopes(), start()), Err(ApiError::ShareExhausted(60_000)));
    // A wait of five seconds fits into one call of the contract.
    setup.clock.0.set(55_000);
    let mut client = setup.client();
    assert!(client.call(&scopes(), start()).is_ok());
    assert_eq!(client.calls(), 1);
    assert_eq!(setup.clock.0.get(), 60_000);
}

#[test]
fn a_web_page_is_not_taken_for_a_file() {
    for media_type in ["text/html; charset=utf-8", "Text/HTML", "application/xhtml+xml"] {
        let page = || response(200, &[("content-type", media_type)], "<html>");
        let mut setup = Setup::new([token("t"), page(), page()]);
        let opened = setup.client().open(&scopes(), "/files/1", &[]);
        assert!(opened.is_err_and(|error| error.is_from_proxy()), "{media_type}");
    }
}

#[test]
fn a_download_is_retried_as_a_read() {
    let mut setup = Setup::new([token("old"), empty(401), token("new"), empty(503), empty(200)]);
    assert!(setup.client().open(&scopes(), "/files/1", &[]).is_ok());
    let mut setup = Setup::new([token("t"), empty(404)]);
    assert_eq!(setup.client().open(&scopes(), "/files/1", &[]).err().and_then(|error| error.status()), Some(404));
}

#[test]
fn a_token_serves_every_call_until_a_minute_before_it_expires() {
    let mut setup = Setup::new([token("first"), success(), success(), token("second"), success()]);
    let both = Scopes::from([Scope::Erasure, Scope::Users]);
    for (at_s, scopes) in [(0, &both), (3_539, &Scopes::from([Scope::Users])), (3_541, &both)] {
        setup.clock.0.set(at_s * 1_000);
        assert!(setup.client().call(scopes, read()).is_ok());
    }
    assert_eq!(setup.transport.authorizations[1..3], ["Bearer first", "Bearer first"]);
    assert_eq!(setup.transport.authorizations[4], "Bearer second");
}

#[test]
fn a_token_request_is_repeated_once_and_its_error_ends_the_call() {
    let mut setup = Setup::new([empty(503), token("t"), success()]);
    assert_eq!(setup.send_all(&[read()]), [Ok(())]);
    let mut setup = Setup::new([empty(503), empty(502)]);
    let results = setup.send_all(&[read(), start()]);
    assert_eq!(results.iter().map(status).collect::<Vec<_>>(), [Some(502), Some(502)]);
}

#[test]
fn missing_scopes_are_found_out_with_one_token_request_each() {
    let refused = || response(400, &[], r#"{"error":"invalid_scope"}"#);
    let mut setup = Setup::new([refused(), token("t"), refused(), refused()]);
    let wanted = Scopes::from([Scope::CustomerData, Scope::Directories, Scope::Contacts]);
    let missing = Scopes::from([Scope::Directories, Scope::Contacts]);
    assert_eq!(setup.client().sign_in(&wanted), Err(ApiError::MissingScopes(missing)));
    assert_eq!(setup.transport.batches[1].len(), 3, "all at once");
}

#[test]
fn credentials_that_are_rejected_for_every_scope_are_wrong() {
    let mut setup = Setup::new([empty(401), empty(401), empty(401)]);
    let rejected = setup.client().sign_in(&Scopes::from([Scope::Erasure, Scope::Users]));
    assert!(matches!(rejected, Err(ApiError::TokenRejected(_))));
    let mut setup = Setup::new([empty(401), token("t"), empty(401)]);
    let rejected = setup.client().sign_in(&Scopes::from([Scope::Erasure, Scope::Users]));
    assert_eq!(rejected, Err(ApiError::MissingScopes(Scopes::from([Scope::Users]))));
}

/// A call that needs a scope that the right does not require.
fn optional() -> Call {
    Call::get("/users").with_optional(Scope::Users)
}

fn invalid_scope() -> ScriptedResponse {
    response(400, &[], r#"{"error":"invalid_scope"}"#)
}

#[test]
fn a_prepared_token_is_requested_beside_the_next_calls() {
    let mut setup = Setup::new([token("right"), success(), token("optional"), success(), success()]);
    let mut client = setup.client();
    client.prepare_tokens(Scopes::from([Scope::Users]));
    assert!(client.call(&scopes(), read()).is_ok());
    assert!(client.send_all(&scopes(), &[optional(), read()]).iter().all(Result::is_ok));
    let rounds: Vec<usize> = setup.transport.batches.iter().map(Vec::len).collect();
    assert_eq!(rounds, [1, 2, 2]);
    assert_eq!(setup.transport.authorizations[3..], ["Bearer optional", "Bearer right"]);
}

#[test]
fn an_optional_scope_that_is_refused_affects_no_other_call_and_is_not_asked_for_again() {
    for refused in
        [invalid_scope(), empty(401), response(200, &[], r#"{"access_token":"t","scope":"openid read:directories"}"#)]
    {
        let mut setup = Setup::new([token("right"), refused, success(), success(), invalid_scope(), success()]);
        let missing = ApiError::MissingScopes(Scopes::from([Scope::Users]));
        for _ in 0..2 {
            let results = setup.client().send_all(&scopes(), &[optional(), read()]);
            assert_eq!(results[0].as_ref().err(), Some(&missing));
            assert!(results[1].is_ok());
        }
        setup.clock.0.set(600_001);
        assert!(setup.client().send_all(&scopes(), &[optional(), read()])[1].is_ok());
        assert!(setup.transport.responses.is_empty(), "asked for again after ten minutes");
    }
}

#[test]
fn the_response_of_a_proxy_does_not_refuse_an_optional_scope() {
    let mut setup = Setup::new([response(403, &[], "<html>"), token("optional"), success()]);
    let results = setup.client().send_all(&scopes(), &[optional()]);
    assert!(matches!(results[0], Err(ApiError::TokenRejected(_))));
    assert_eq!(setup.send_all(&[optional()]), [Ok(())], "it is asked for again");
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let mut setup = Setup::new([token("t"), success()]);
    let Setup { transport, clock, session } = &mut setup;
    let mut client = Client::new(transport, clock, session);
    assert!(client.call(&scopes(), read()).is_ok());
    clock.0.set(2 * TIMEOUT_MS);
    assert_eq!(client.call(&scopes(), read()), Err(ApiError::DeadlineExceeded));
}

#[test]
fn qualtrics_clock_is_known_from_its_responses() {
    // The host's clock is at 2026-01-01T00:00:00Z.
    let date = [("date", "Thu, 01 Jan 2026 00:05:00 GMT")];
    let mut setup = Setup::new([token("t"), response(200, &date, r#"{"result":{}}"#)]);
    let mut client = setup.client();
    assert!(client.call(&scopes(), read()).is_ok());
    assert_eq!(client.at_qualtrics(1_000), 1_300);
    assert_eq!(client.at_host(1_300), 1_000);
}
