//! Requests in progress, whose tickets and references the tests damage.

use privacy_host::contract::{Content, DeletionMode, Request};
use qualtrics_simulator::{Brand, Options, SAMPLE_PERSON};

use crate::fixture::{Fixture, email, pending, request};

/// A fixture in which an access request and two deletions are in progress.
pub struct InProgress {
    pub fixture: Fixture,
    pub access: (Request, String),
    pub deletion: (Request, String),
    pub preview: (Request, String),
    /// A reference to a remote document.
    pub reference: String,
}

impl InProgress {
    pub async fn new() -> Self {
        let mut fixture = Fixture::with_options(Brand::sample(), Options::default(), &[("account-guard", "off")]).await;
        let found = fixture.access_report(&request("first", vec![email(SAMPLE_PERSON)])).await;
        let mut references = found.documents.iter().filter_map(|document| match &document.content {
            Content::Remote(reference) => Some(reference.clone()),
            Content::Inline(_) => None,
        });
        let reference = references.next_back().expect("a remote document");
        let access = request("access", vec![email(SAMPLE_PERSON)]);
        let deletion = request("deletion", vec![email("b@example.org"), email(SAMPLE_PERSON)]);
        let preview = request("preview", vec![email("c@example.org")]);
        let access_ticket = pending(fixture.access(&access).await).ticket;
        let deletion_ticket = pending(fixture.delete(&deletion, DeletionMode::Erase).await).ticket;
        let preview_ticket = pending(fixture.delete(&preview, DeletionMode::Preview).await).ticket;
        fixture.simulator.clear_calls();
        Self {
            fixture,
            access: (access, access_ticket),
            deletion: (deletion, deletion_ticket),
            preview: (preview, preview_ticket),
            reference,
        }
    }

    pub fn tickets(&self) -> [&(Request, String); 3] {
        [&self.access, &self.deletion, &self.preview]
    }
}
