//! A simulator of Qualtrics for tests. It serves HTTP on a loopback port, with data that can be erased, jobs that take time,
//! rate limits, and faults.
//!
//! | module | content |
//! |---|---|
//! | `simulator` | the API for the owner of a simulator: [`Simulator`] and its [`Options`] |
//! | `qualtrics` | Qualtrics: a [`Brand`] and its data, the endpoints, and the [`Dialects`] for what is not confirmed |
//! | `server` | a vendor-neutral HTTP server that can break its responses |
//! | `faults` | the faults, and the rules that apply them to requests |
//! | `authority` | a certificate authority, for tests of TLS |
//! | `control` | an HTTP API through which programs in any language create a brand from a [`Scenario`] |
//!
//! Imports point one way: `control` → `simulator` → `qualtrics` → `server` → `faults`, `authority`.

mod authority;
mod control;
mod faults;
mod qualtrics;
mod server;
mod simulator;

#[cfg(test)]
mod tests;

pub use authority::{Authority, Identity, Validity};
pub use control::{Change, Control, Observations, Scenario, ScenarioBrand, ScenarioPerson};
pub use faults::{Fault, ForeignBody, Occurrence, WaitHint};
pub use qualtrics::dialects::*;
pub use qualtrics::sample::*;
pub use qualtrics::{
    Body, Brand, Call, Client, Contact, Directory, Endpoint, Erasure, Export, ExportFile, FaultRule, Holdings, JobEnd,
    JobStatus, MESSAGE_CANARY, MailingList, Membership, Person, SurveyResponse, TOKEN_CANARY, Transaction, User,
};
pub use server::{Content, Tls};
pub use simulator::{Options, Simulator};
