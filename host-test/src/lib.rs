//! The command line's journal: the state of requests on disk.

pub mod journal;
