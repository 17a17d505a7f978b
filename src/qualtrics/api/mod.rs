//! Qualtrics' REST API: hosts, authentication, the response envelope, and the resources that a privacy request needs.
//!
//! "Fact sheet" in this module's documentation is the collection of what is publicly known of the API. What it marks as
//! UNCONFIRMED is parsed tolerantly.
//!
//! | module | what it holds |
//! |---|---|
//! | [`client`] | calls: authenticated, rate limited, concurrent, retried where that is safe |
//! | [`envelope`], [`error`] | successful responses, and everything else |
//! | [`oauth`] | access tokens, and what their rejection means |
//! | [`host`] | the hosts that credentials may be sent to |
//! | [`account`], [`users`], [`user_record`] | the connection's own account, the users of the brand, and one user |
//! | [`customer_data`] | exports of access requests |
//! | [`erasures`], [`erasure_list`], [`addresses`] | erasure jobs, the list of all of them, and whom a job is about |
//! | [`directories`], [`contact`], [`contact_lists`] | XM Directory: contacts, their history and their transactions |
//! | [`cursor`], [`job`], [`timestamp`], [`sanitize`] | pagination, job states, timestamps, and words that may be shown |

pub mod account;
pub mod addresses;
pub mod client;
pub mod contact;
pub mod contact_lists;
pub mod cursor;
pub mod customer_data;
pub mod directories;
pub mod envelope;
pub mod erasure_list;
pub mod erasures;
pub mod error;
pub mod host;
pub mod job;
pub mod oauth;
pub mod sanitize;
pub mod timestamp;
pub mod user_record;
pub mod users;
