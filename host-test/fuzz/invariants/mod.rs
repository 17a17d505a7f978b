//! Invariants of the connector. The fuzz targets and `tests/properties.rs` share them.
//!
//! | module | content |
//! |---|---|
//! | [`responses`] | parsers of responses of Qualtrics |
//! | [`inputs`] | parsers of input from hosts and operators |
//! | [`vendor`] | a scripted vendor for the other modules and the property tests |
//! | [`files`] | reading documents |
//! | [`calls`] | whole calls with arbitrary responses |

pub mod calls;
pub mod files;
pub mod inputs;
pub mod responses;
pub mod vendor;

/// A part of every value that must not appear in output.
pub const MARK: &str = "MARK-7e";

/// The domain of the data subjects' addresses. No generated response contains it unless it is meant to.
pub const PRIVATE_DOMAIN: &str = "person.example";

/// Header names, in lower case, with their values.
pub type Headers = Vec<(String, String)>;

/// Whether a text contains neither [`MARK`] nor [`PRIVATE_DOMAIN`], ignoring case.
pub fn has_no_private_data(text: &str) -> bool {
    let text = text.to_lowercase();
    !text.contains(&MARK.to_lowercase()) && !text.contains(PRIVATE_DOMAIN)
}
