//! What a ticket holds of an opt-out.

use serde::{Deserialize, Serialize};

/// The most updates that wait to be read back. With [`MAX_FAILED`], a ticket has room for them.
pub const MAX_OPEN: usize = 8;
/// The most updates that may go wrong before the rest is given up.
pub const MAX_FAILED: usize = 16;

/// How far an opt-out has come.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OptOutProgress {
    /// The furthest stage so far.
    #[serde(rename = "g", default)]
    pub reached: ReachedStage,
    /// When Qualtrics first accepted an update, in seconds of the host's clock.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<u64>,
    /// The last contact that was handled: the next call starts with the contact after it.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<ContactPlace>,
    /// The calls that ended before all contacts were handled.
    #[serde(rename = "n", default)]
    pub calls: u8,
    /// Contacts that were updated and whose update was not read back yet.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenUpdate>,
    /// Contacts whose update went wrong. They are not updated again.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedUpdate>,
}

/// The stages of an opt-out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum ReachedStage {
    /// The directories are searched.
    #[default]
    #[serde(rename = "s")]
    Searching,
    /// Contacts are updated.
    #[serde(rename = "o")]
    OptingOut,
    /// Every contact was updated, and some updates were not read back yet.
    #[serde(rename = "v")]
    Verifying,
}

/// Where a contact is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ContactPlace {
    /// The directory's ID.
    #[serde(rename = "d")]
    pub directory: String,
    /// The contact's ID.
    #[serde(rename = "c")]
    pub contact: String,
}

/// An update that was not read back yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenUpdate {
    /// The contact.
    #[serde(flatten)]
    pub place: ContactPlace,
    /// A check value of the contact's other fields before the update.
    #[serde(rename = "k")]
    pub fields_check: u32,
    /// When the update was sent, in seconds of the host's clock.
    #[serde(rename = "s")]
    pub sent_at: u64,
    /// Whether Qualtrics accepted it. Otherwise its response was lost.
    #[serde(rename = "y", default)]
    pub is_accepted: bool,
    /// How many updates of this contact were sent.
    #[serde(rename = "t", default)]
    pub attempts: u8,
}

/// An update that went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailedUpdate {
    /// The contact.
    #[serde(flatten)]
    pub place: ContactPlace,
    /// What went wrong.
    #[serde(rename = "r")]
    pub failure: UpdateFailure,
}

/// What went wrong with an update.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum UpdateFailure {
    /// The contact is opted out, but another of its fields is not what it was.
    #[serde(rename = "c")]
    OtherFieldsChanged,
    /// Qualtrics accepted the update, and the contact is still not opted out.
    #[serde(rename = "n")]
    NotApplied,
    /// Qualtrics rejected the update.
    #[serde(rename = "r")]
    Rejected,
    /// The account may not read or update the contact.
    #[serde(rename = "p")]
    NotPermitted,
    /// Qualtrics failed temporarily, several times.
    #[serde(rename = "u")]
    Unavailable,
}

impl OptOutProgress {
    /// Every ID in it.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let open = self.open.iter().map(|update| &update.place);
        let failed = self.failed.iter().map(|update| &update.place);
        open.chain(failed).chain(&self.position).flat_map(|place| [place.directory.as_str(), place.contact.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::ticket::{Operation, Ticket};

    #[test]
    fn a_ticket_of_an_opt_out_fits_however_many_updates_it_holds() {
        let place =
            || ContactPlace { directory: "POOL_2aCustomers0001".to_owned(), contact: "CID_000000000000001".to_owned() };
        let (fields_check, sent_at) = ((1 << 20) - 1, 1_767_225_600);
        let open = || OpenUpdate { place: place(), fields_check, sent_at, is_accepted: false, attempts: 3 };
        let failed = || FailedUpdate { place: place(), failure: UpdateFailure::NotApplied };
        let progress = OptOutProgress {
            reached: ReachedStage::Verifying,
            accepted_at: Some(sent_at),
            position: Some(place()),
            calls: u8::MAX,
            open: std::iter::repeat_with(open).take(MAX_OPEN).collect(),
            failed: std::iter::repeat_with(failed).take(MAX_FAILED + 3).collect(),
        };
        let ticket = Ticket { opt_out: Some(progress), ..Ticket::new(Operation::OptOut, 1, Vec::new(), sent_at) };
        let text = ticket.format().expect("a ticket");
        assert_eq!(Ticket::parse(&text).expect("a ticket"), ticket);
        let forged = |contact: &str| {
            let position = Some(ContactPlace { directory: "POOL".to_owned(), contact: contact.to_owned() });
            let progress = OptOutProgress { position, ..OptOutProgress::default() };
            Ticket { opt_out: Some(progress), ..ticket.clone() }.format().expect("a ticket")
        };
        assert!(Ticket::parse(&forged("C")).is_ok() && Ticket::parse(&forged("..")).is_err());
    }
}
