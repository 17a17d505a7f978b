//! Qualtrics: its data, its endpoints and its envelope. "The fact sheet" is the document on what is known of the API.
//!
//! - The data of a customer is a [`brand`], with directories of each [`contact`]; [`person`] and [`sample`] fill it.
//! - [`dialects`] lists the variants of the API that are not confirmed.
//! - [`state`] is the brand with its tokens and [`jobs`] at one moment.
//! - [`oauth`], [`users`], [`directories`], [`erasures`] and [`customer_data`] are the endpoints. They share [`envelope`] and
//!   [`pages`]; [`export`] makes the files of a customer data request.
//! - [`service`] routes a request to its endpoint, within the [`rate_limits`], and records it as a [`call_record`].
//! - [`replacement_bodies`] are the bodies of faults that depend on the envelope.

mod brand;
mod call_record;
mod contact;
mod customer_data;
pub(crate) mod dialects;
mod directories;
mod endpoint;
mod envelope;
mod erasures;
mod export;
mod jobs;
mod oauth;
mod pages;
mod person;
mod rate_limits;
mod replacement_bodies;
pub(crate) mod sample;
mod service;
mod state;
mod users;

pub use brand::{Brand, Client, Holdings, SurveyResponse, User};
pub use call_record::{Body, Call};
pub use contact::{Contact, Directory, MailingList, Membership, Transaction};
pub use endpoint::{Endpoint, FaultRule};
pub use envelope::MESSAGE_CANARY;
pub use export::ExportFile;
pub(crate) use export::files as export_files;
pub(crate) use jobs::ExportJob;
pub use jobs::{Erasure, Export, JobEnd, JobStatus};
pub use oauth::TOKEN_CANARY;
pub use person::Person;
pub(crate) use state::State;
