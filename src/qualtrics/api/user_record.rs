//! The record of a user: `GET /users/{id}` (fact sheet 5).

use serde_json::{Map, Value};

use super::account::identifying_names;
use super::client::Call;
use super::cursor::encode;
use super::envelope::{self, ApiResponse, first_of};
use crate::secret::Secret;

/// The members that are passed on. Permissions, the identity provider and every other member are left out: they describe the brand, and
/// may name other people.
const MEMBERS: [&str; 18] = [
    "accountCreationDate",
    "accountExpirationDate",
    "accountStatus",
    "divisionId",
    "email",
    "firstName",
    "id",
    "language",
    "lastLoginDate",
    "lastName",
    "organizationId",
    "passwordExpirationDate",
    "passwordLastChangedDate",
    "responseCounts",
    "timeZone",
    "unsubscribed",
    "userType",
    "username",
];

/// The members of `responseCounts` that are passed on.
const COUNTS: [&str; 3] = ["auditable", "deleted", "generated"];

/// The call for a user.
#[must_use]
pub fn call(id: &str) -> Call {
    Call::get(format!("/users/{}", encode(id)))
}

/// The record of a user as a JSON document. `None` unless it is that of the user with this ID, and one of the names is the user's: another
/// person's record is never handed out.
#[must_use]
pub fn document<'n>(response: ApiResponse, id: &str, mut names: impl Iterator<Item = &'n Secret>) -> Option<Vec<u8>> {
    let record = response.result;
    let of_user = first_of(&record, &["id", "userId"]).and_then(envelope::id)?;
    let known = identifying_names(&record).ok()?;
    if of_user != id || !names.any(|name| known.contains(name)) {
        return None;
    }
    let Value::Object(record) = record else { return None };
    let mut kept = Map::new();
    for (name, value) in record.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str())) {
        match value {
            Value::Object(counts) if name == "responseCounts" => {
                let counts =
                    counts.into_iter().filter(|(name, value)| COUNTS.contains(&name.as_str()) && value.is_number());
                kept.insert(name, Value::Object(counts.collect()));
            }
            Value::Object(_) | Value::Array(_) => {}
            value => {
                kept.insert(name, value);
            }
        }
    }
    let mut document = Value::Object(kept);
    document.sort_all_objects();
    Some(format!("{document}\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn document_of(result: Value) -> Option<Value> {
        let names = [Secret::new("ada@x.org")];
        let bytes = document(ApiResponse { result, notice: Notice::None }, "UR_1", names.iter())?;
        Some(serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[test]
    fn a_record_has_only_members_about_the_user() {
        let record = json!({
            "id": "UR_1", "email": "Ada@x.org", "firstName": "Ada", "userType": "UT_FULLUSER", "lastLoginDate": null,
            "responseCounts": {"auditable": 3, "by": "UR_bob"}, "permissions": {"grantedBy": "bob@x.org"},
            "createdBy": "bob@x.org", "ownerId": "UR_bob", "language": {"setBy": "bob@x.org"},
        });
        let expected = json!({
            "email": "Ada@x.org", "firstName": "Ada", "id": "UR_1", "lastLoginDate": null,
            "responseCounts": {"auditable": 3}, "userType": "UT_FULLUSER",
        });
        assert_eq!(document_of(record), Some(expected));
    }

    #[test]
    fn the_record_of_another_user_is_not_handed_out() {
        for record in [
            json!({"id": "UR_2", "email": "ada@x.org"}),
            json!({"id": "UR_1", "email": "bob@x.org"}),
            json!({"id": "UR_1", "email": {"address": "ada@x.org"}}),
            json!({"id": "UR_1"}),
            json!({"email": "ada@x.org"}),
            json!(null),
        ] {
            assert_eq!(document_of(record.clone()), None, "{record}");
        }
    }
}
