//! XM Directory: the directories of a brand, and searching the contacts in them (fact sheet 8).

use serde_json::{Value, json};

use super::client::{Call, Client};
use super::cursor::{Cursor, encode};
use super::envelope::{self, ApiResponse, first_of};
use super::error::ApiError;
use crate::privacy::identifier::Identifier;
use crate::qualtrics::scopes::Scopes;
use crate::secret::Secret;

pub use super::contact::{Contact, Match};

/// The call for the first page of the list of directories.
#[must_use]
pub fn list() -> Call {
    Call::get("/directories?pageSize=100")
}

/// The IDs of the directories on one page of the list.
///
/// # Errors
/// [`ApiError::Malformed`] if it is no list, or a directory has no ID: its contacts could not be searched.
pub fn parse_page(response: &ApiResponse) -> Result<Vec<String>, ApiError> {
    let directories = envelope::elements(&response.result)?.iter();
    let ids = directories.map(|directory| first_of(directory, &["directoryId", "id", "poolId"]).and_then(envelope::id));
    ids.collect::<Option<_>>().ok_or(ApiError::Malformed)
}

/// The IDs of all directories, sorted, each once, starting with the response to [`list`].
///
/// # Errors
/// [`ApiError::Malformed`] if a page is malformed or the pages repeat, and any error of the call for a further page.
pub fn read_all(client: &mut Client<'_>, scopes: &Scopes, first_page: ApiResponse) -> Result<Vec<String>, ApiError> {
    let (mut ids, mut seen) = (Vec::new(), Vec::new());
    let mut page = first_page;
    loop {
        ids.extend(parse_page(&page)?);
        let Some(cursor) = Cursor::next_page(&page.result)? else { break };
        if seen.contains(&cursor) {
            return Err(ApiError::Malformed);
        }
        page = client.call(scopes, Call::get(format!("/directories?pageSize=100&{}", cursor.query())))?;
        seen.push(cursor);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The call for a page of a contact search for one spelling of an identifier. Qualtrics compares without regard to case (fact sheet 8.2, official), so that results must
/// be compared with [`Contact::matches`].
#[must_use]
pub fn search(directory: &str, identifier: &Identifier, spelling: &Secret, cursor: Option<&Cursor>) -> Call {
    let filter_type = match identifier {
        Identifier::Email(_) => "email",
        Identifier::Phone(_) => "phone",
        Identifier::ExternalId(_) => "extRef",
    };
    search_for(directory, filter_type, spelling, cursor)
}

/// A search that finds nothing, to exercise a permission.
#[must_use]
pub fn probe(directory: &str) -> Call {
    search_for(directory, "email", &Secret::new("permission-probe@nobody.invalid"), None)
}

fn search_for(directory: &str, filter_type: &str, value: &Secret, cursor: Option<&Cursor>) -> Call {
    let path = format!("/directories/{}/contacts/search?pageSize=100&includeEmbedded=true", encode(directory));
    let path = match cursor {
        None => path,
        Some(cursor) => format!("{path}&{}", cursor.query()),
    };
    Call::search(path, json!({"filter": {"filterType": filter_type, "comparison": "eq", "value": value.reveal()}}))
}

/// The contacts in the response to [`search`], and the next page.
///
/// An empty page may have a next page: a full last page has a token whose next page is empty (fact sheet 8.2), and an empty page in
/// between proves nothing. The caller guards against cursors that repeat.
///
/// # Errors
/// [`ApiError::Malformed`] if it is no list of contacts, or a contact has no ID.
pub fn parse_search(response: ApiResponse) -> Result<(Vec<Contact>, Option<Cursor>), ApiError> {
    let cursor = Cursor::skip_token(&response.result)?;
    let contacts = envelope::into_elements(response.result)?.into_iter().map(Contact::parse);
    Ok((contacts.collect::<Option<_>>().ok_or(ApiError::Malformed)?, cursor))
}

/// The call for one contact.
#[must_use]
pub fn contact(directory: &str, contact: &str) -> Call {
    Call::get(format!("/directories/{}/contacts/{}?includeSegments=true", encode(directory), encode(contact)))
}

/// The call that updates a contact. Whether Qualtrics merges the body into the contact or replaces it is unconfirmed (fact sheet 13), so
/// that the body must hold every field that is to stay.
#[must_use]
pub fn update(directory: &str, contact: &str, body: Value) -> Call {
    Call::update(format!("/directories/{}/contacts/{}", encode(directory), encode(contact)), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn response(result: Value) -> ApiResponse {
        ApiResponse { result, notice: Notice::None }
    }

    #[test]
    fn an_empty_page_with_a_token_has_a_next_page() {
        let page = parse_search(response(json!({"elements": [], "skipToken": "t"})));
        let (contacts, cursor) = page.expect("a page");
        assert!(contacts.is_empty());
        assert_eq!(cursor.as_ref().map(Cursor::query), Some("skipToken=t"));
        let end = parse_search(response(json!({"elements": []}))).expect("a page");
        assert!(end.0.is_empty() && end.1.is_none());
    }

    #[test]
    fn a_contact_or_a_directory_without_an_id_makes_the_page_malformed() {
        let contacts = parse_search(response(json!({"elements": [{"id": "C"}, {"email": "ada@example.org"}]})));
        assert_eq!(contacts.err(), Some(ApiError::Malformed));
        let directories = parse_page(&response(json!({"elements": [{"directoryId": "POOL_1"}, {"name": "x"}]})));
        assert_eq!(directories, Err(ApiError::Malformed));
    }

    #[test]
    fn directories_are_found_under_every_name_of_their_id() {
        let page = response(json!({"elements": [{"directoryId": "POOL_1"}, {"id": "POOL_2"}, {"poolId": "POOL_3"}]}));
        assert_eq!(parse_page(&page), Ok(vec!["POOL_1".into(), "POOL_2".into(), "POOL_3".into()]));
        assert_eq!(parse_page(&response(json!({}))), Err(ApiError::Malformed));
    }
}
