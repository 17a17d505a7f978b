//! What the command line is built from: the state of requests on disk, and the order of the calls of a batch.

pub mod journal;
pub mod schedule;
