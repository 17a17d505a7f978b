//! The account that a connection acts as: `GET /whoami` (fact sheet 4).

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Call;
use super::envelope::{self, ApiResponse, Notice, first_of};
use super::error::ApiError;
use crate::privacy::email::comparison_key;
use crate::secret::Secret;

/// The user type of brand administrators (fact sheet 4). Whether there are custom administrator types is unconfirmed.
pub const BRAND_ADMINISTRATOR: &str = "UT_BRANDADMIN";

/// The account that a connection acts as. Members that the response lacks are empty.
#[derive(Clone, Debug)]
pub struct Account {
    /// The brand's ID.
    pub brand: String,
    /// The user's ID.
    pub user_id: Option<String>,
    /// The user name, which is often an address, or the user's ID if there is none.
    pub user: Secret,
    /// The user type.
    pub user_type: String,
    /// The data centre, which may be an alias of the configured one.
    pub datacenter: String,
    /// Every address and user name that identifies the account, as [`comparison_key`]s. None if one of them is not understood: then the
    /// account cannot be guarded.
    pub names: Vec<Secret>,
    /// What the notice of the response is about.
    pub notice: Notice,
}

impl Account {
    /// The call for the account.
    #[must_use]
    pub fn call() -> Call {
        Call::get("/whoami")
    }

    /// Parses the response to [`Self::call`].
    #[must_use]
    pub fn parse(response: &ApiResponse) -> Self {
        let text = |spellings: &[&str]| {
            first_of(&response.result, spellings).and_then(Value::as_str).map(|text| text.trim().to_owned())
        };
        let user_name = text(&["userName", "username"]);
        let user_id = first_of(&response.result, &["userId", "id"]).and_then(envelope::id);
        Self {
            brand: text(&["brandId", "organizationId"]).unwrap_or_default(),
            user: Secret::new(user_name.clone().or_else(|| user_id.clone()).unwrap_or_default()),
            user_id,
            user_type: text(&["accountType", "userType"]).unwrap_or_default(),
            datacenter: text(&["datacenter", "dataCenter", "datacenterId"]).unwrap_or_default(),
            names: identifying_names(&response.result).unwrap_or_default().into_iter().collect(),
            notice: response.notice,
        }
    }

    /// Whether Qualtrics reports the type of a brand administrator.
    #[must_use]
    pub fn is_brand_administrator(&self) -> bool {
        self.user_type == BRAND_ADMINISTRATOR
    }
}

/// The names that identify a user: the e-mail address, and the user name with and without the `#brand` at its end. They are compared
/// as addresses are, because an erasure of any spelling may delete the account.
///
/// # Errors
/// [`ApiError::Malformed`] if a member is filled and not understood: the user may have the address that is looked for.
pub(super) fn identifying_names(user: &Value) -> Result<BTreeSet<Secret>, ApiError> {
    let email = name_in(user, &["email"])?;
    let user_name = name_in(user, &["userName", "username"])?;
    let without_brand = user_name.as_deref().map(|name| name.rsplit_once('#').map_or(name, |(name, _)| name));
    let names = [email.as_deref(), user_name.as_deref(), without_brand].into_iter().flatten().map(comparison_key);
    Ok(names.filter(|name| !name.reveal().is_empty()).collect())
}

fn name_in(user: &Value, spellings: &[&str]) -> Result<Option<String>, ApiError> {
    match first_of(user, spellings) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(ApiError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_identified_by_its_address_and_its_user_name_without_the_brand() {
        let result = json!({"email": "Ada@Example.org", "userName": "ada.l@example.org#brand", "userId": "UR_1",
            "accountType": "UT_BRANDADMIN"});
        let account = Account::parse(&ApiResponse { result, notice: Notice::None });
        let names: Vec<&str> = account.names.iter().map(Secret::reveal).collect();
        assert_eq!(names, ["ada.l@example.org", "ada.l@example.org#brand", "ada@example.org"]);
        assert_eq!(account.user_id.as_deref(), Some("UR_1"));
        assert!(account.is_brand_administrator());
    }

    #[test]
    fn only_the_last_hash_of_a_user_name_begins_the_brand() {
        let names = identifying_names(&json!({"userName": "ada#1@example.org#brand"})).expect("names");
        assert!(names.contains(&Secret::new("ada#1@example.org")));
    }

    #[test]
    fn an_account_with_a_name_that_is_not_understood_has_no_names() {
        for email in [json!({"address": "ada@example.org"}), json!(["ada@example.org"]), json!(true)] {
            let result = json!({"email": email, "userName": "grace@example.org"});
            let account = Account::parse(&ApiResponse { result, notice: Notice::None });
            assert!(account.names.is_empty(), "the guard cannot be evaluated");
        }
    }
}
