//! The vendor: how Qualtrics fulfils the contract.
//!
//! "Fact sheet" in this module's documentation is the collection of what is publicly known of Qualtrics' API. What it marks as
//! UNCONFIRMED is parsed tolerantly here, and simulated in each variant.
//!
//! | module | what it holds |
//! |---|---|
//! | [`connector`] | the contract's functions on one connection |
//! | [`settings`], [`manifest`] | what a connection needs, and what the connector is |
//! | [`scopes`], [`limits`] | permissions, and Qualtrics' rate limits |
//! | [`check`] | the connection test |
//! | [`access`], [`documents`] | access requests, and reading remote documents |
//! | [`deletion`], [`guard`] | deletion requests, and whom they must not reach |
//! | [`poll`], [`in_flight`], [`ticket`] | advancing requests in progress |
//! | [`errors`] | API errors as errors of the contract, in one table |
//! | [`api`] | Qualtrics' REST API: one file for each resource |

pub mod access;
pub mod api;
pub mod check;
pub mod connector;
pub mod context;
pub mod deletion;
pub mod documents;
pub mod errors;
pub mod guard;
pub mod in_flight;
pub mod limits;
pub mod manifest;
pub mod poll;
pub mod scopes;
pub mod settings;
pub mod ticket;
