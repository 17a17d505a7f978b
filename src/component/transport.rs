//! Requests over `wasi:http`, several at once and each within its time.

use core::mem;
use core::task::{Poll, ready};

use super::bindings::wasi::clocks::monotonic_clock;
use super::bindings::wasi::io::poll::{Pollable, poll};
use super::clock::{NANOSECONDS, WasiClock};
use super::exchange::Exchange;
use crate::http::{Body, Cause, Clock, Failure, Head, Limits, MAX_CONCURRENT, Request, Response, Transport};
use crate::prelude::*;

/// The longest piece of a body that is asked of the host at once, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// `wasi:http`. No executor is needed: all that is under way is waited for at once, with one timer beside it.
pub(super) struct WasiTransport;

impl Transport for WasiTransport {
    type Body = Exchange;

    fn exchange(&mut self, requests: Vec<Request>, limits: Limits) -> Vec<Result<Response, Failure>> {
        // Where the deadline comes before a request's turn does, this stays the answer.
        let mut answers: Vec<_> = requests.iter().map(|_| Err(Failure::not_sent(Cause::TimedOut))).collect();
        let mut waiting = requests.into_iter().zip(&mut answers);
        let mut under_way: Vec<(Fetch, &mut Result<Response, Failure>)> = Vec::with_capacity(MAX_CONCURRENT);
        loop {
            // To ask for the time is a call of the host: once for all that can go on.
            let now_ms = WasiClock.monotonic_ms();
            under_way.retain_mut(|(fetch, answer)| {
                match in_time(fetch.go_on(now_ms, limits), fetch.until_ms, now_ms) {
                    Poll::Pending => true,
                    Poll::Ready(result) => {
                        **answer = result;
                        false
                    }
                }
            });
            while under_way.len() < MAX_CONCURRENT
                && now_ms < limits.deadline_ms
                && let Some((request, answer)) = waiting.next()
            {
                match Exchange::start(request) {
                    Ok(exchange) => under_way.push((Fetch::new(exchange, now_ms, limits), answer)),
                    Err(failure) => *answer = Err(failure),
                }
            }
            if under_way.is_empty() {
                return answers;
            }
            wait(under_way.iter().map(|(fetch, _)| (&fetch.exchange, fetch.until_ms)), now_ms);
        }
    }

    fn open(&mut self, request: Request, limits: Limits) -> Result<(Head, Exchange), Failure> {
        let now_ms = WasiClock.monotonic_ms();
        if now_ms >= limits.deadline_ms {
            return Err(Failure::not_sent(Cause::TimedOut));
        }
        let mut exchange = Exchange::start(request)?;
        let head = complete(&mut exchange, now_ms, until(now_ms, limits.response_ms, limits), Exchange::head)?;
        Ok((head, exchange))
    }
}

impl Body for Exchange {
    fn read(&mut self, limit: usize, limits: Limits) -> Result<Vec<u8>, Failure> {
        let now_ms = WasiClock.monotonic_ms();
        complete(self, now_ms, until(now_ms, limits.idle_ms, limits), |exchange| {
            exchange.piece(limit.clamp(1, PIECE_BYTES))
        })
    }
}

/// An exchange whose answer is read whole.
struct Fetch {
    exchange: Exchange,
    /// What there is of the answer, once there is its head.
    answer: Option<Response>,
    /// When the next thing has to have come.
    until_ms: u64,
}

impl Fetch {
    fn new(exchange: Exchange, now_ms: u64, limits: Limits) -> Self {
        Self { exchange, answer: None, until_ms: until(now_ms, limits.response_ms, limits) }
    }

    /// Takes all that the host has by now.
    fn go_on(&mut self, now_ms: u64, limits: Limits) -> Poll<Result<Response, Failure>> {
        let too_large = Failure::lost(Cause::TooLarge);
        if self.answer.is_none() {
            let head = ready!(self.exchange.head())?;
            if self.exchange.promised().is_some_and(|length| length > limits.body_bytes as u64) {
                return Poll::Ready(Err(too_large));
            }
            self.until_ms = until(now_ms, limits.idle_ms, limits);
            self.answer = Some(Response { head, body: Vec::new() });
        }
        loop {
            let piece = ready!(self.exchange.piece(PIECE_BYTES))?;
            let answer = self.answer.get_or_insert_default();
            if piece.is_empty() {
                return Poll::Ready(Ok(mem::take(answer)));
            }
            if piece.len() > limits.body_bytes.saturating_sub(answer.body.len()) {
                return Poll::Ready(Err(too_large));
            }
            if answer.body.is_empty() {
                answer.body = piece;
            } else {
                answer.body.extend_from_slice(&piece);
            }
            if self.exchange.promised() == Some(0) {
                continue;
            }
            let now_ms = WasiClock.monotonic_ms();
            self.until_ms = until(now_ms, limits.idle_ms, limits);
            // A peer that always has one more byte must not hold the loop beyond the deadline.
            if now_ms >= limits.deadline_ms {
                return Poll::Ready(Err(Failure::lost(Cause::TimedOut)));
            }
        }
    }
}

/// Repeats a step of one exchange until it has a result or its time is over.
fn complete<T>(
    exchange: &mut Exchange,
    mut now_ms: u64,
    until_ms: u64,
    mut step: impl FnMut(&mut Exchange) -> Poll<Result<T, Failure>>,
) -> Result<T, Failure> {
    loop {
        if let Poll::Ready(result) = in_time(step(exchange), until_ms, now_ms) {
            return result;
        }
        wait([(&*exchange, until_ms)].into_iter(), now_ms);
        now_ms = WasiClock.monotonic_ms();
    }
}

/// The step's own result, or the end of its time.
fn in_time<T>(step: Poll<Result<T, Failure>>, until_ms: u64, now_ms: u64) -> Poll<Result<T, Failure>> {
    match step {
        Poll::Pending if now_ms >= until_ms => Poll::Ready(Err(Failure::lost(Cause::TimedOut))),
        step => step,
    }
}

/// Waits until one of the exchanges can go on or the time of one is over.
fn wait<'a>(exchanges: impl Iterator<Item = (&'a Exchange, u64)>, now_ms: u64) {
    let mut pollables = Vec::new();
    let mut first_ms = u64::MAX;
    for (exchange, until_ms) in exchanges {
        exchange.subscribe(&mut pollables);
        first_ms = first_ms.min(until_ms);
    }
    let left_ms = first_ms.saturating_sub(now_ms);
    pollables.push(monotonic_clock::subscribe_duration(left_ms.saturating_mul(NANOSECONDS)));
    poll(&pollables.iter().collect::<Vec<&Pollable>>());
}

/// The instant that is `ms` from now, or the deadline of the whole call where that is earlier.
fn until(now_ms: u64, ms: u64, limits: Limits) -> u64 {
    now_ms.saturating_add(ms).min(limits.deadline_ms)
}
