//! Concurrent requests over `wasi:http`, each within its time-outs.

use std::mem;
use std::task::{Poll, ready};

use super::clock::{NANOS_PER_MS, WasiClock};
use super::exchange::Exchange;
use crate::http::{
    Body, Cause, Clock, ExchangeLimits, MAX_CONCURRENT, Request, Response, ResponseHead, Transport, TransportError,
};
use crate::wit::wasi::clocks::monotonic_clock;
use crate::wit::wasi::io::poll::{Pollable, poll};

/// The largest chunk of a body that is requested from the host in one read, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// `wasi:http`. No executor is needed: one `poll` waits for all exchanges and a timer.
pub(crate) struct WasiTransport;

impl Transport for WasiTransport {
    fn exchange(&mut self, requests: Vec<Request>, limits: ExchangeLimits) -> Vec<Result<Response, TransportError>> {
        // A request that is not started before the deadline keeps this result.
        let timed_out = TransportError::before_sending(Cause::TimedOut);
        let mut results: Vec<_> = requests.iter().map(|_| Err(timed_out)).collect();
        let mut waiting = requests.into_iter().zip(&mut results);
        let mut running: Vec<(Fetch, &mut Result<Response, TransportError>)> = Vec::with_capacity(MAX_CONCURRENT);
        loop {
            // Reading the clock is a call of the host: once for all exchanges that can proceed.
            let now_ms = WasiClock.monotonic_ms();
            running.retain_mut(|(fetch, result)| {
                match within(fetch.proceed(now_ms, limits), fetch.deadline_ms, now_ms) {
                    Poll::Pending => true,
                    Poll::Ready(ended) => {
                        **result = ended;
                        false
                    }
                }
            });
            while running.len() < MAX_CONCURRENT
                && now_ms < limits.deadline_ms
                && let Some((request, result)) = waiting.next()
            {
                match Exchange::start(request) {
                    Ok(exchange) => running.push((Fetch::new(exchange, now_ms, limits), result)),
                    Err(error) => *result = Err(error),
                }
            }
            if running.is_empty() {
                return results;
            }
            wait(running.iter().map(|(fetch, _)| (&fetch.exchange, fetch.deadline_ms)), now_ms);
        }
    }

    fn open(
        &mut self,
        request: Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn Body>), TransportError> {
        let now_ms = WasiClock.monotonic_ms();
        if now_ms >= limits.deadline_ms {
            return Err(TransportError::before_sending(Cause::TimedOut));
        }
        let mut exchange = Exchange::start(request)?;
        let head = complete(&mut exchange, now_ms, deadline(now_ms, limits.response_ms, limits), Exchange::head)?;
        Ok((head, Box::new(exchange)))
    }
}

impl Body for Exchange {
    fn read(&mut self, limit: usize, limits: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        let now_ms = WasiClock.monotonic_ms();
        complete(self, now_ms, deadline(now_ms, limits.idle_ms, limits), |exchange| {
            exchange.chunk(limit.clamp(1, CHUNK_BYTES))
        })
    }
}

/// An exchange whose response is read to its end.
struct Fetch {
    exchange: Exchange,
    /// What was received, once the head has arrived.
    response: Option<Response>,
    /// When the next step must have happened.
    deadline_ms: u64,
}

impl Fetch {
    fn new(exchange: Exchange, now_ms: u64, limits: ExchangeLimits) -> Self {
        Self { exchange, response: None, deadline_ms: deadline(now_ms, limits.response_ms, limits) }
    }

    /// Takes everything that the host has received by now.
    fn proceed(&mut self, now_ms: u64, limits: ExchangeLimits) -> Poll<Result<Response, TransportError>> {
        let too_large = TransportError::after_sending(Cause::BodyTooLarge);
        if self.response.is_none() {
            let head = ready!(self.exchange.head())?;
            if self.exchange.remaining().is_some_and(|length| length > limits.body_bytes as u64) {
                return Poll::Ready(Err(too_large));
            }
            self.deadline_ms = deadline(now_ms, limits.idle_ms, limits);
            self.response = Some(Response { head, body: Vec::new() });
        }
        loop {
            let chunk = ready!(self.exchange.chunk(CHUNK_BYTES))?;
            let response = self.response.get_or_insert_default();
            if chunk.is_empty() {
                return Poll::Ready(Ok(mem::take(response)));
            }
            if chunk.len() > limits.body_bytes.saturating_sub(response.body.len()) {
                return Poll::Ready(Err(too_large));
            }
            if response.body.is_empty() {
                response.body = chunk;
            } else {
                response.body.extend_from_slice(&chunk);
            }
            if self.exchange.remaining() == Some(0) {
                continue;
            }
            let now_ms = WasiClock.monotonic_ms();
            self.deadline_ms = deadline(now_ms, limits.idle_ms, limits);
            // A peer that always sends one more byte must not hold the loop beyond the deadline.
            if now_ms >= limits.deadline_ms {
                return Poll::Ready(Err(TransportError::after_sending(Cause::TimedOut)));
            }
        }
    }
}

/// Repeats a step of one exchange until it has a result or times out.
fn complete<T>(
    exchange: &mut Exchange,
    mut now_ms: u64,
    deadline_ms: u64,
    mut step: impl FnMut(&mut Exchange) -> Poll<Result<T, TransportError>>,
) -> Result<T, TransportError> {
    loop {
        if let Poll::Ready(result) = within(step(exchange), deadline_ms, now_ms) {
            return result;
        }
        wait([(&*exchange, deadline_ms)].into_iter(), now_ms);
        now_ms = WasiClock.monotonic_ms();
    }
}

/// The result of a step, or its time-out.
fn within<T>(step: Poll<Result<T, TransportError>>, deadline_ms: u64, now_ms: u64) -> Poll<Result<T, TransportError>> {
    match step {
        Poll::Pending if now_ms >= deadline_ms => Poll::Ready(Err(TransportError::after_sending(Cause::TimedOut))),
        step => step,
    }
}

/// Waits until one of the exchanges can proceed or times out.
fn wait<'a>(exchanges: impl Iterator<Item = (&'a Exchange, u64)>, now_ms: u64) {
    let mut pollables = Vec::new();
    let mut first_ms = u64::MAX;
    for (exchange, deadline_ms) in exchanges {
        exchange.subscribe(&mut pollables);
        first_ms = first_ms.min(deadline_ms);
    }
    let left_ms = first_ms.saturating_sub(now_ms);
    pollables.push(monotonic_clock::subscribe_duration(left_ms.saturating_mul(NANOS_PER_MS)));
    poll(&pollables.iter().collect::<Vec<&Pollable>>());
}

/// The instant that is `ms` from now, or the deadline of the whole call if that is earlier.
fn deadline(now_ms: u64, ms: u64, limits: ExchangeLimits) -> u64 {
    now_ms.saturating_add(ms).min(limits.deadline_ms)
}
