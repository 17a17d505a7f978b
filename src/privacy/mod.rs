//! The vendor-neutral life cycle of a data subject request.
//!
//! | module | what it holds |
//! |---|---|
//! | [`connector`] | the functions of the contract |
//! | [`identifier`], [`subject`] | identifiers of a data subject, validated and redacted |
//! | [`email`], [`phone`] | their spellings, and which of them are the same |
//! | [`characters`] | characters that no identifier and no setting contains |
//! | [`batch`] | lists of requests: duplicate IDs, one result per element |
//! | [`ticket`] | the envelope of tickets and references: version and checksum |
//! | [`poll_schedule`] | when to poll next |
//! | [`report`] | constructors for findings, problems and errors |
//! | [`settings_form`] | the set-up form of a connection |
//! | [`document_stream`] | remote documents, read chunk by chunk |
//! | [`file_format`], [`archive`] | what a file is, and whether it holds any data |

pub mod archive;
pub mod batch;
pub mod characters;
pub mod connector;
pub mod document_stream;
pub mod email;
pub mod file_format;
pub mod identifier;
pub mod phone;
pub mod poll_schedule;
pub mod report;
pub mod settings_form;
pub mod subject;
pub mod ticket;
