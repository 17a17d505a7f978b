//! The account that a connection acts as: `GET /whoami` (fact sheet 4).

use super::client::Call;
use super::envelope::{Answer, member};
use crate::json::Json;
use crate::letters::lower_case;
use crate::order;
use crate::prelude::*;
use crate::secret::Secret;

/// The user type of brand administrators (fact sheet 4). Custom administrator types may exist: unconfirmed.
pub const BRAND_ADMINISTRATOR: &str = "UT_BRANDADMIN";

/// Who a connection acts as.
#[derive(Clone, Debug)]
pub struct Account {
    /// The brand's id.
    pub brand: String,
    /// The user's name at Qualtrics, often an address; the id where there is no name.
    pub user: Secret,
    /// The type of the user.
    pub user_type: String,
    /// The data centre, which may be an alias of the configured one.
    pub datacenter: String,
    /// Every address and user name under which the account could be meant, in lower case.
    pub names: Vec<Secret>,
    /// Whether the answer came by way of another data centre.
    pub proxied: bool,
}

impl Account {
    /// The call that asks.
    #[must_use]
    pub fn call() -> Call {
        Call::get("/whoami")
    }

    /// Reads the answer; what is missing is blank.
    #[must_use]
    pub fn read(answer: &Answer) -> Self {
        let text = |spellings: &[&str]| {
            member(&answer.result, spellings).and_then(Json::as_str).map(|text| text.trim().to_owned())
        };
        let user_name = text(&["userName", "username"]);
        Self {
            brand: text(&["brandId", "organizationId"]).unwrap_or_default(),
            user: Secret::new(user_name.clone().or_else(|| text(&["userId", "id"])).unwrap_or_default()),
            user_type: text(&["accountType", "userType"]).unwrap_or_default(),
            datacenter: text(&["datacenter", "dataCenter", "datacenterId"]).unwrap_or_default(),
            names: names(text(&["email"]).as_deref(), user_name.as_deref()),
            proxied: answer.proxied,
        }
    }

    /// Whether the account is a brand administrator's, as far as Qualtrics' own type tells.
    #[must_use]
    pub fn is_brand_administrator(&self) -> bool {
        self.user_type == BRAND_ADMINISTRATOR
    }
}

/// The names under which an account with this e-mail address and user name could be meant: both, and the user name
/// without its `#brand`, in lower case.
pub(super) fn names(email: Option<&str>, user_name: Option<&str>) -> Vec<Secret> {
    let short = user_name.and_then(|name| name.split('#').next());
    let mut names: Vec<Secret> = [email, user_name, short]
        .into_iter()
        .flatten()
        .map(|name| lower_case(name.trim()))
        .filter(|name| !name.is_empty())
        .map(Secret::new)
        .collect();
    order::sort(&mut names);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_account_is_meant_by_its_address_and_by_its_user_name_without_the_brand() {
        let result =
            json!({"email": "Ada@Example.org", "userName": "ada.l@example.org#brand", "accountType": "UT_BRANDADMIN"});
        let account = Account::read(&Answer { result: result.into(), proxied: false });
        let names: Vec<&str> = account.names.iter().map(Secret::reveal).collect();
        assert_eq!(names, ["ada.l@example.org", "ada.l@example.org#brand", "ada@example.org"]);
        assert!(account.is_brand_administrator());
    }
}
