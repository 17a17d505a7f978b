//! Generated input, and what is expected of it by independent reasoning.
//!
//! | module | what it holds |
//! |---|---|
//! | [`input`], [`json`], [`origin`], [`settings`] | input for the parsers |
//! | [`plausible`] | responses as Qualtrics sends them |
//! | [`scenario`] | calls in any order, with any responses |
//! | [`runner`], [`promises`] | running a scenario, and what the contract promises of each result |
//! | [`ledger`] | a Qualtrics that keeps account of its erasures while responses are lost |
//! | [`vanished`] | a Qualtrics that no longer shows an erasure |

pub mod input;
pub mod json;
pub mod ledger;
pub mod origin;
pub mod plausible;
pub mod promises;
pub mod runner;
pub mod scenario;
pub mod settings;
pub mod vanished;
