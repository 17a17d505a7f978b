//! The vendor: how Qualtrics fulfils the contract.
//!
//! "Fact sheet" in this module's documentation is `docs/qualtrics-api.md`: what is publicly known of Qualtrics' API. What it marks as
//! UNCONFIRMED is parsed tolerantly here, and simulated in each variant.
//!
//! From top to bottom; a module imports only those below it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`connector`] | the contract's functions on one connection |
//! | [`poll`] | advancing requests in progress, with look-ups shared by all of them |
//! | [`deletion`], [`access`], [`opt_out`] | the flows |
//! | [`check`] | the connection test |
//! | [`contact_search`], [`guard`], [`documents`] | searching the directories; protecting accounts; reading remote documents |
//! | [`in_flight`], [`ticket`], [`findings`] | a request in progress, and what is reported about sources |
//! | [`context`], [`cache`] | what the functions of a call share, and what an instance caches |
//! | [`error_mapping`] | API errors as errors of the contract, in one table |
//! | [`settings`], [`manifest`] | what a connection needs, and what the connector is |
//! | [`api`] | Qualtrics' REST API: one file for each resource |
//! | [`scopes`], [`limits`], [`rights`], [`account_guard`] | permissions, Qualtrics' rate limits, and what a connection can be used for |
//!
//! Where to change what:
//!
//! | change | file |
//! |---|---|
//! | what proves that a job was not started | [`api::error::ApiError::is_provably_not_started`]; which network errors do, `wasi/error_code.rs`; what Qualtrics' envelope is, [`api::envelope`] |
//! | an error code of Qualtrics | [`error_mapping`]; of the token endpoint, [`api::oauth`] |
//! | the delay between polls | [`crate::privacy::poll_schedule`]; shorter delays in special cases, [`in_flight`] |
//! | a field of a contact | [`api::contact`]: unknown fields pass through, so a field is added only to normalise it |

pub mod access;
pub mod account_guard;
pub mod api;
pub mod cache;
pub mod check;
pub mod connector;
pub mod contact_search;
pub mod context;
pub mod deletion;
pub mod documents;
pub mod error_mapping;
pub mod findings;
pub mod guard;
pub mod in_flight;
pub mod limits;
pub mod manifest;
pub mod opt_out;
pub mod poll;
pub mod rights;
pub mod scopes;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod ticket;
