//! Follows requests from their first call to their report.
//!
//! A host that stops in the middle of a call does not know whether the vendor started a job. Therefore it stores each attempt before
//! its call, each ticket before the next poll, and the end when there is one. An [`Entry`] is what it stores, and decides what the
//! next call is. A [`Follower`] makes the calls.

mod entry;
mod follower;
mod grouping;
mod rules;

#[cfg(test)]
mod tests;

pub use entry::{End, Entry, Next, Operation, Transition, comparable};
pub use follower::{Event, Follower, Update};
pub use grouping::{clusters, is_narrowing, suspects, whole_groups};
pub use rules::{LOST_CALL_DELAY_MS, MAX_LOST_CALLS, lost_call_error, start};
