//! How calls are signed, paced and repeated, against answers by script.

#![allow(clippy::arithmetic_side_effects, reason = "a test may count")]

use std::cell::Cell;
use std::collections::VecDeque;

use super::*;
use crate::http::{Body, Response};
use crate::qualtrics::host;
use crate::qualtrics::oauth::Scope;

/// Answers in the order in which they stand here, whatever is asked.
#[derive(Default)]
struct Script {
    answers: VecDeque<Result<Response, Failure>>,
    waves: Vec<Vec<String>>,
    tokens_sent: Vec<String>,
}

struct NoBody;

impl Body for NoBody {
    fn read(&mut self, _: usize, _: Limits) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }
}

impl Transport for Script {
    type Body = NoBody;

    fn exchange(&mut self, requests: Vec<Request>, _: Limits) -> Vec<Result<Response, Failure>> {
        self.waves.push(requests.iter().map(|request| request.path.clone()).collect());
        self.tokens_sent.extend(requests.iter().map(|request| request.headers[0].1.reveal().to_owned()));
        requests.iter().map(|_| self.answers.pop_front().expect("an answer in the script")).collect()
    }

    fn open(&mut self, _: Request, _: Limits) -> Result<(Head, NoBody), Failure> {
        let answer = self.answers.pop_front().expect("an answer in the script")?;
        Ok((answer.head, NoBody))
    }
}

#[derive(Default)]
struct MadeClock(Cell<u64>);

impl Clock for MadeClock {
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

const ANSWER_MS: u64 = 30_000;

fn session() -> Session {
    let credentials = Credentials { client_id: Secret::new("id"), client_secret: Secret::new("secret") };
    Session::new(host::datacenter("fra1").expect("a data centre"), credentials, 75, ANSWER_MS)
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response, Failure> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Response { head: Head { status, headers }, body: body.as_bytes().to_vec() })
}

fn token(name: &str) -> Result<Response, Failure> {
    answer(200, &[], &format!(r#"{{"access_token":"{name}","expires_in":3600}}"#))
}

fn good() -> Result<Response, Failure> {
    answer(200, &[], r#"{"result":{}}"#)
}

const NEED: Scope = Scope::Erasure;

/// Makes calls against a script; returns how each ended, the waves that were sent, and the time that passed.
fn run(script: Vec<Result<Response, Failure>>, calls: &[Call]) -> (Vec<Result<(), Trouble>>, Vec<Vec<String>>, u64) {
    let mut transport = Script { answers: script.into(), ..Script::default() };
    let clock = MadeClock::default();
    let mut session = session();
    let ended = Client::new(&mut transport, &clock, &mut session).wave(Scopes::of(&[NEED]), calls);
    assert!(transport.answers.is_empty(), "the whole script was played");
    (ended.into_iter().map(|answer| answer.map(|_| ())).collect(), transport.waves, clock.0.get())
}

fn read() -> Call {
    Call::get("/whoami")
}

fn job() -> Call {
    Call::begin("/op-erase-personal-data", Object::default())
}

#[test]
fn a_401_is_answered_by_one_new_token_for_the_whole_wave() {
    let script = vec![token("old"), answer(401, &[], ""), answer(401, &[], ""), token("new"), good(), good()];
    let (ended, waves, _) = run(script, &[read(), job()]);
    assert_eq!(ended, [Ok(()), Ok(())]);
    assert_eq!(waves.len(), 4);
    assert_eq!(waves[3].len(), 2);
}

#[test]
fn a_second_401_is_final() {
    let script = vec![token("old"), answer(401, &[], ""), token("new"), answer(401, &[], "")];
    let (ended, _, _) = run(script, &[read()]);
    assert_eq!(ended[0].as_ref().err().and_then(Trouble::status), Some(401));
}

#[test]
fn a_read_is_repeated_once_after_a_passing_failure() {
    for failure in [answer(503, &[], ""), Err(Failure::lost(Cause::Broken)), answer(200, &[], "<html>")] {
        let (ended, _, passed) = run(vec![token("t"), failure, good()], &[read()]);
        assert_eq!(ended, [Ok(())]);
        assert_eq!(passed, BACK_OFF_MS);
    }
    let (ended, _, _) = run(vec![token("t"), answer(500, &[], ""), answer(502, &[], "")], &[read()]);
    assert_eq!(ended[0].as_ref().err().and_then(Trouble::status), Some(502));
}

#[test]
fn a_job_is_never_sent_again_when_nobody_knows_what_became_of_it() {
    for failure in [answer(500, &[], ""), answer(503, &[], ""), Err(Failure::lost(Cause::Broken)), answer(200, &[], "")]
    {
        let (ended, waves, _) = run(vec![token("t"), failure], &[job()]);
        assert!(ended[0].is_err());
        assert_eq!(waves.len(), 2);
    }
}

#[test]
fn a_429_is_waited_for_if_it_says_how_long_and_that_is_short() {
    let limited = |wait| answer(429, &[("retry-after", wait)], "");
    let (ended, _, passed) = run(vec![token("t"), limited("3"), good()], &[job()]);
    assert_eq!((ended, passed), (vec![Ok(())], 3_000));
    for final_answer in [limited("6"), answer(429, &[], "")] {
        let (ended, _, passed) = run(vec![token("t"), final_answer], &[job()]);
        assert_eq!(ended[0].as_ref().err().and_then(Trouble::status), Some(429));
        assert_eq!(passed, 0);
    }
}

#[test]
fn the_connections_own_share_is_kept_without_asking_qualtrics() {
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    transport.answers.push_back(token("t"));
    transport.answers.extend((0..16).map(|_| good()));
    for _ in 0..15 {
        let mut client = Client::new(&mut transport, &clock, &mut session);
        assert!(client.call(Scopes::of(&[NEED]), job()).is_ok());
    }
    // The sixteenth has to wait four seconds, which a call has; the wait of a seventeenth in the same call is too long.
    let mut client = Client::new(&mut transport, &clock, &mut session);
    assert!(client.call(Scopes::of(&[NEED]), job()).is_ok());
    assert_eq!(client.call(Scopes::of(&[NEED]), job()).err(), Some(Trouble::OwnShare(4_000)));
    assert_eq!(clock.0.get(), 4_000);
}

#[test]
fn a_web_page_in_place_of_a_file_is_not_taken_for_the_file() {
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    let page = || answer(200, &[("content-type", "text/html; charset=utf-8")], "<html>");
    transport.answers.extend([token("t"), page(), page()]);
    let opened = Client::new(&mut transport, &clock, &mut session).open(Scopes::of(&[NEED]), "/files/1", &[]);
    assert!(opened.is_err_and(|trouble| trouble == Trouble::Unreadable));
}

#[test]
fn one_token_serves_every_call_until_a_minute_before_it_expires() {
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    transport.answers.extend([token("first"), good(), good(), token("second"), good()]);
    let both = Scopes::of(&[Scope::Erasure, Scope::Users]);
    for (at_s, need) in [(0, both), (3_539, Scopes::of(&[Scope::Users])), (3_541, both)] {
        clock.0.set(at_s * 1_000);
        assert!(Client::new(&mut transport, &clock, &mut session).call(need, read()).is_ok());
    }
    assert_eq!(transport.tokens_sent[1..3], ["Bearer first", "Bearer first"]);
    assert_eq!(transport.tokens_sent[4], "Bearer second");
}

#[test]
fn which_scopes_are_missing_is_found_out_with_one_token_for_each() {
    let refused = || answer(400, &[], r#"{"error":"invalid_scope"}"#);
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    transport.answers.extend([refused(), token("t"), refused(), refused()]);
    let need = Scopes::of(&[Scope::CustomerData, Scope::Directories, Scope::Contacts]);
    let trouble = Client::new(&mut transport, &clock, &mut session).sign_in(need);
    assert_eq!(trouble, Err(Trouble::MissingScopes(Scopes::of(&[Scope::Directories, Scope::Contacts]))));
    assert_eq!(transport.waves[1].len(), 3, "all at once");
}

#[test]
fn nothing_is_sent_once_the_time_of_a_call_is_used_up() {
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    transport.answers.extend([token("t"), good()]);
    let mut client = Client::new(&mut transport, &clock, &mut session);
    assert!(client.call(Scopes::of(&[NEED]), read()).is_ok());
    clock.0.set(2 * ANSWER_MS);
    assert_eq!(client.call(Scopes::of(&[NEED]), read()).err(), Some(Trouble::OutOfTime));
}

#[test]
fn qualtrics_clock_is_known_from_its_answers() {
    let mut transport = Script::default();
    let clock = MadeClock::default();
    let mut session = session();
    // The host says 2026-01-01T00:00:00Z.
    let date = [("date", "Thu, 01 Jan 2026 00:05:00 GMT")];
    transport.answers.extend([token("t"), answer(200, &date, r#"{"result":{}}"#)]);
    let mut client = Client::new(&mut transport, &clock, &mut session);
    assert!(client.call(Scopes::of(&[NEED]), read()).is_ok());
    assert_eq!(client.at_qualtrics(1_000), 1_300);
    assert_eq!(client.at_host(1_300), 1_000);
}
