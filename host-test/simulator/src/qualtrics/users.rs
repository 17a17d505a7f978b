//! User accounts: the fact sheet, sections 4 and 5.

use serde_json::{Value, json};

use super::brand::User;
use super::dialects::{AdministratorType, UserEmail, UserName, WhoamiDatacenter, WhoamiScope};
use super::endpoint::resource_id;
use super::envelope::EndpointResult;
use super::oauth::Role;
use super::pages::Cursor;
use super::state::State;
use crate::server::Request;

const READ: &[&str] = &["read:users"];
const WRITE: &[&str] = &["manage:users"];

impl State {
    /// `GET /whoami`
    pub(super) fn whoami(&mut self, request: &Request) -> EndpointResult {
        let scopes: &[&str] = match self.dialects.whoami_scope {
            WhoamiScope::None => &[],
            WhoamiScope::ReadUsers => READ,
        };
        let user = self.authorize(request, scopes, Role::Any)?;
        let datacenter = match self.dialects.whoami_datacenter {
            WhoamiDatacenter::Canonical => self.brand.datacenter.as_str(),
            WhoamiDatacenter::Alias => "eu",
        };
        let result = json!({
            "brandId": self.brand.id,
            "userId": user.id,
            "userName": self.user_name(&user),
            "accountType": self.account_type(&user),
            "firstName": user.first_name,
            "lastName": user.last_name,
            "email": user.email,
            "datacenter": datacenter,
        });
        Ok(self.success(result))
    }

    /// `GET /users`
    pub(super) fn users(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Administrator)?;
        self.list(request, self.brand.users.len(), Cursor::Offset, |state, n| state.user_element(&state.brand.users[n]))
    }

    /// `GET /users/{id}`
    pub(super) fn user(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Administrator)?;
        let Some(user) = self.brand.users.iter().find(|user| user.id == resource_id(request)) else {
            return Err(self.not_found("PACC_6"));
        };
        let mut result = self.user_element(user);
        result["organizationId"] = self.brand.id.as_str().into();
        result["language"] = "en".into();
        result["timeZone"] = "Europe/Berlin".into();
        result["unsubscribed"] = false.into();
        result["accountExpirationDate"] = Value::Null;
        result["responseCounts"] = json!({ "auditable": 0, "generated": 0, "deleted": 0 });
        Ok(self.success(result))
    }

    /// `PUT /users/{id}`
    pub(super) fn user_update(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Administrator)?;
        let Some(n) = self.brand.users.iter().position(|user| user.id == resource_id(request)) else {
            return Err(self.not_found("PACC_6"));
        };
        let body = self.json_body(request)?;
        let mut user = self.brand.users[n].clone();
        for (member, field) in [("firstName", &mut user.first_name), ("lastName", &mut user.last_name)] {
            match body.get(member) {
                None => {}
                Some(Value::String(value)) => field.clone_from(value),
                Some(_) => return Err(self.error(400, "QVAL_1")),
            }
        }
        self.brand.users[n] = user;
        Ok(self.success_without_result())
    }

    fn user_element(&self, user: &User) -> Value {
        json!({
            "id": user.id,
            "divisionId": null,
            "username": self.user_name(user),
            "firstName": user.first_name,
            "lastName": user.last_name,
            "userType": self.account_type(user),
            "email": match self.dialects.user_email {
                UserEmail::Present => Some(&user.email),
                UserEmail::Null => None,
            },
            "accountStatus": "active",
        })
    }

    fn user_name(&self, user: &User) -> String {
        match self.dialects.user_name {
            UserName::Plain => user.email.clone(),
            UserName::Brand => format!("{}#{}", user.email, self.brand.id),
        }
    }

    fn account_type(&self, user: &User) -> &'static str {
        match (user.administrator, self.dialects.administrator_type) {
            (true, AdministratorType::BrandAdmin) => "UT_BRANDADMIN",
            (true, AdministratorType::Custom) => "UT_6nLp0Qm4Rk8Ts2V",
            (false, _) => "UT_FULLUSER",
        }
    }
}
