//! Generated input, and independent statements of the expected results.
//!
//! | module | content |
//! |---|---|
//! | [`input`], [`json`], [`origin`], [`settings`] | input for the parsers |
//! | [`plausible`] | responses as Qualtrics sends them |
//! | [`scenario`] | calls in any order, with any responses |
//! | [`runner`], [`promises`] | running a scenario, and checking each result against the contract |
//! | [`ledger`] | a simulated Qualtrics that records its erasures while responses are lost |
//! | [`vanished`] | a simulated Qualtrics that no longer shows an erasure |

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
