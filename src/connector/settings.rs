//! The settings of a connection, checked all at once.

use super::contract::{Error, ErrorKind, Problem, Remedy, Right, Setting, SettingField, SettingKind};
use super::errors::joined;
use crate::http::Origin;
use crate::prelude::*;
use crate::qualtrics::{host, oauth::Credentials};
use crate::secret::Secret;

/// When a deletion counts as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletionBehavior {
    /// When Qualtrics finished it.
    WaitForCompletion,
    /// When Qualtrics took it.
    CompleteOnSubmission,
}

/// Whose accounts a deletion must not touch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountGuard {
    /// Every user of the brand, and the connection's own account.
    AllUsers,
    /// The connection's own account.
    OwnAccount,
    /// Nobody's.
    Off,
}

/// A connection's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where requests go.
    pub origin: Origin,
    /// The id of the data centre, as configured.
    pub region: String,
    /// What signs in.
    pub credentials: Credentials,
    /// When a deletion counts as done.
    pub deletion_behavior: DeletionBehavior,
    /// Whose accounts a deletion must not touch.
    pub account_guard: AccountGuard,
    /// How long a verifying search is repeated, in seconds.
    pub verify_window_s: u64,
    /// The part of Qualtrics' limits to keep to, 1 to 100 percent.
    pub rate_share: u8,
    /// How long an answer may take to begin, and each time to go on, in milliseconds. A whole call may take twice as long.
    pub answer_ms: u64,
}

/// Keys that were published once and mean nothing any more. They are accepted for ever.
const RETIRED: [&str; 0] = [];

const ONE_WEEK_MIN: u64 = 10_080;

/// The form in which an operator sets a connection up.
pub const FIELDS: [SettingField; 9] = [
    field(
        "datacenter-id",
        "Data centre ID",
        SettingKind::Text,
        true,
        None,
        "In Qualtrics: Account Settings, Qualtrics IDs, Datacenter ID. For example fra1. A host or URL of the data \
             centre will do, too.",
    ),
    field(
        "client-id",
        "OAuth client ID",
        SettingKind::Text,
        true,
        None,
        "In Qualtrics, as a brand administrator: Account Settings, Qualtrics IDs, OAuth Client Manager, Create Client, \
             grant type Client Credentials.",
    ),
    field(
        "client-secret",
        "OAuth client secret",
        SettingKind::Secret,
        true,
        None,
        "Shown once, when the OAuth client is made.",
    ),
    choice(
        "deletion-behavior",
        "A deletion is complete",
        &[("wait-for-completion", "when Qualtrics finished it"), ("complete-on-submission", "when Qualtrics took it")],
        "Whether a deletion is followed until Qualtrics has done it. Previews and verified deletions always are.",
    ),
    choice(
        "account-guard",
        "Protect Qualtrics accounts",
        &[
            ("all-users", "every user of the brand"),
            ("own-account", "only the account of this connection"),
            ("off", "nobody: deletions may delete user accounts"),
        ],
        "Qualtrics deletes the user account that has a deleted address. The guard refuses such deletions until a \
             person confirms them; the connection's own account cannot be confirmed.",
    ),
    field(
        "verify-window",
        "Minutes of verification",
        SettingKind::Number,
        false,
        Some("60"),
        "For how many minutes after a deletion the verifying search is repeated before it is said that data is left. \
             0 to 10080.",
    ),
    field(
        "rate-share",
        "Share of the rate limits, in percent",
        SettingKind::Number,
        false,
        Some("75"),
        "How much of Qualtrics' limits, which the whole brand shares, one instance may use. 1 to 100. Set 100 where \
             the host keeps one budget for all its instances.",
    ),
    field(
        "response-timeout",
        "Seconds to wait for an answer",
        SettingKind::Number,
        false,
        Some("30"),
        "How long Qualtrics may take to begin an answer, and each time to go on with it. A whole call takes twice as \
             long at most. 1 to 30.",
    ),
    field(
        "base-url",
        "Base URL",
        SettingKind::Origin,
        false,
        None,
        "For tests and private gateways: an origin to call in place of the data centre's. https, or http on a loopback \
             address.",
    ),
];

const fn field(
    key: &'static str,
    label: &'static str,
    kind: SettingKind,
    required: bool,
    default: Option<&'static str>,
    help: &'static str,
) -> SettingField {
    SettingField { key, label, help, kind, required, default, choices: &[] }
}

/// The first of the choices is the default.
const fn choice(
    key: &'static str,
    label: &'static str,
    choices: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> SettingField {
    let default = match choices {
        [(first, _), ..] => Some(*first),
        [] => None,
    };
    SettingField { choices, ..field(key, label, SettingKind::Choice, false, default, help) }
}

impl Settings {
    /// Reads settings, all or none. A blank value of an optional setting means its default, as forms send it.
    ///
    /// # Errors
    /// `invalid-settings`, with a problem for each key that is missing, unknown, given twice or malformed. No value is
    /// repeated in it.
    pub fn read(given: &[Setting]) -> Result<Self, Error> {
        let mut form = Form { given, problems: Vec::new() };
        form.check_keys();
        let datacenter = form.required("datacenter-id").and_then(|text| {
            let origin = host::datacenter(text);
            form.well_formed(
                origin,
                "datacenter-id",
                "datacenter-id must be the id, host or URL of a Qualtrics data centre, such as fra1.",
            )
        });
        let client_id = form.required("client-id").and_then(|text| {
            let good = (is_credential(text) && !text.as_bytes().contains(&b':')).then(|| Secret::new(text));
            form.well_formed(
                good,
                "client-id",
                "client-id must be the id of an OAuth client, without colon or control character.",
            )
        });
        let client_secret = form.required("client-secret").and_then(|text| {
            let good = is_credential(text).then(|| Secret::new(text));
            form.well_formed(
                good,
                "client-secret",
                "client-secret must be the secret of an OAuth client, without control characters.",
            )
        });
        let base_url = form.optional("base-url").and_then(|text| {
            let origin = host::base_url(text);
            form.well_formed(origin, "base-url", "base-url must be an origin: https://host, or http:// with a loopback address, and nothing after the port.")
        });
        let deletion_behavior = match form.optional("deletion-behavior") {
            None | Some("wait-for-completion") => Some(DeletionBehavior::WaitForCompletion),
            Some("complete-on-submission") => Some(DeletionBehavior::CompleteOnSubmission),
            Some(_) => form.well_formed(
                None,
                "deletion-behavior",
                "deletion-behavior must be wait-for-completion or complete-on-submission.",
            ),
        };
        let account_guard = match form.optional("account-guard") {
            None | Some("all-users") => Some(AccountGuard::AllUsers),
            Some("own-account") => Some(AccountGuard::OwnAccount),
            Some("off") => Some(AccountGuard::Off),
            Some(_) => form.well_formed(None, "account-guard", "account-guard must be all-users, own-account or off."),
        };
        let verify_window = form.number(
            "verify-window",
            60,
            0,
            ONE_WEEK_MIN,
            "verify-window must be a number of minutes from 0 to 10080.",
        );
        let rate_share = form.number("rate-share", 75, 1, 100, "rate-share must be a number of percent from 1 to 100.");
        let response_timeout =
            form.number("response-timeout", 30, 1, 30, "response-timeout must be a number of seconds from 1 to 30.");
        let (
            true,
            Some(datacenter),
            Some(client_id),
            Some(client_secret),
            Some(deletion_behavior),
            Some(account_guard),
            Some(verify_window),
            Some(rate_share),
            Some(response_timeout),
        ) = (
            form.problems.is_empty(),
            datacenter,
            client_id,
            client_secret,
            deletion_behavior,
            account_guard,
            verify_window,
            rate_share,
            response_timeout,
        )
        else {
            let message = joined("The connection is not set up", &form.problems);
            let error = Error::new(ErrorKind::InvalidSettings, Remedy::Operator, message);
            return Err(Error { problems: form.problems, ..error });
        };
        Ok(Self {
            region: host::region(&datacenter),
            origin: base_url.unwrap_or(datacenter),
            credentials: Credentials { client_id, client_secret },
            deletion_behavior,
            account_guard,
            verify_window_s: verify_window.saturating_mul(60),
            rate_share: u8::try_from(rate_share).unwrap_or(100),
            answer_ms: response_timeout.saturating_mul(1_000),
        })
    }
}

/// Settings while they are read, and all that is wrong with them.
struct Form<'a> {
    given: &'a [Setting],
    problems: Vec<Problem>,
}

impl<'a> Form<'a> {
    fn check_keys(&mut self) {
        let mut seen: Vec<&str> = Vec::new();
        for setting in self.given {
            let key = setting.key.as_str();
            if RETIRED.contains(&key) {
                continue;
            }
            if !FIELDS.iter().any(|field| field.key == key) {
                // A key that was meant as a value could be a secret: only what looks like a key is repeated.
                let word = key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                let subject = if word { key } else { "" };
                self.problem(subject, "There is a setting that this connector does not know.");
            } else if seen.contains(&key) {
                self.problem(key, &[key, " is given twice."].concat());
            }
            seen.push(key);
        }
    }

    fn optional(&self, key: &str) -> Option<&'a str> {
        let setting = self.given.iter().find(|setting| setting.key == key)?;
        Some(setting.value.reveal().trim()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, key: &str) -> Option<&'a str> {
        let value = self.optional(key);
        if value.is_none() {
            self.problem(key, &[key, " is missing."].concat());
        }
        value
    }

    fn number(&mut self, key: &str, default: u64, least: u64, most: u64, message: &str) -> Option<u64> {
        let Some(text) = self.optional(key) else { return Some(default) };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && (least..=most).contains(number));
        self.well_formed(number, key, message)
    }

    fn well_formed<V>(&mut self, value: Option<V>, key: &str, message: &str) -> Option<V> {
        if value.is_none() {
            self.problem(key, message);
        }
        value
    }

    fn problem(&mut self, key: &str, message: &str) {
        self.problems.push(Problem {
            code: "setting",
            subject: key.to_owned(),
            blocks: vec![Right::Access, Right::Deletion],
            message: message.to_owned(),
        });
    }
}

/// Whether a credential is of characters that can stand in one, and not too many.
fn is_credential(text: &str) -> bool {
    text.len() <= 512 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Error> {
        let given: Vec<Setting> =
            pairs.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: Secret::new(*value) }).collect();
        Settings::read(&given)
    }

    const GOOD: [(&str, &str); 3] = [("datacenter-id", "fra1"), ("client-id", "id"), ("client-secret", "s:ecret")];

    fn subjects(more: &[(&str, &str)]) -> Vec<String> {
        let error = read(&[&GOOD, more].concat()).err();
        error.map(|error| error.problems.into_iter().map(|problem| problem.subject).collect()).unwrap_or_default()
    }

    #[test]
    fn three_settings_are_enough() {
        let settings = read(&GOOD).expect("good settings");
        assert_eq!(settings.origin.to_text(), "https://fra1.qualtrics.com");
        assert_eq!(settings.deletion_behavior, DeletionBehavior::WaitForCompletion);
        assert_eq!(settings.account_guard, AccountGuard::AllUsers);
        assert_eq!((settings.verify_window_s, settings.rate_share, settings.answer_ms), (3_600, 75, 30_000));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let error =
            read(&[("datacenter-id", "evil.com"), ("client-id", "a:b"), ("rate-share", "0"), ("colour", "red")])
                .expect_err("bad settings");
        let mut subjects: Vec<&str> = error.problems.iter().map(|problem| problem.subject.as_str()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["client-id", "client-secret", "colour", "datacenter-id", "rate-share"]);
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidSettings, Remedy::Operator));
    }

    #[test]
    fn a_blank_optional_setting_is_its_default() {
        assert!(subjects(&[("base-url", " "), ("rate-share", ""), ("account-guard", "")]).is_empty());
    }

    #[test]
    fn numbers_have_their_ranges() {
        for (key, value) in [
            ("rate-share", "101"),
            ("rate-share", "+5"),
            ("rate-share", "1e1"),
            ("verify-window", "10081"),
            ("verify-window", "-1"),
            ("response-timeout", "0"),
            ("response-timeout", "31"),
            ("response-timeout", "0.5"),
        ] {
            assert_eq!(subjects(&[(key, value)]), [key], "{value}");
        }
    }

    #[test]
    fn a_key_may_be_given_once() {
        assert_eq!(subjects(&[("client-id", "other")]), ["client-id"]);
    }

    #[test]
    fn what_was_typed_into_the_wrong_place_is_not_repeated() {
        let error =
            read(&[("s3cr3t-of-somebody!", "x"), ("datacenter-id", "ada@example.org"), ("client-secret", "a b\u{7}c")])
                .expect_err("bad settings");
        let told = format!("{error:?}");
        for private in ["s3cr3t", "ada@", "a b"] {
            assert!(!told.contains(private), "{private}");
        }
    }

    #[test]
    fn settings_of_the_first_version_are_read_for_ever() {
        let every_key: Vec<(&str, &str)> = vec![
            ("datacenter-id", "fra1"),
            ("client-id", "0123456789abcdef"),
            ("client-secret", "secret"),
            ("deletion-behavior", "complete-on-submission"),
            ("account-guard", "own-account"),
            ("verify-window", "15"),
            ("rate-share", "50"),
            ("base-url", "http://127.0.0.1:8080"),
        ];
        let settings = read(&every_key).expect("settings of version 0.1");
        assert_eq!(settings.deletion_behavior, DeletionBehavior::CompleteOnSubmission);
        assert_eq!(settings.account_guard, AccountGuard::OwnAccount);
        assert_eq!(settings.origin.to_text(), "http://127.0.0.1:8080");
        // A key that came later has a default, and every key of then is still one.
        let later = ["response-timeout"];
        for field in FIELDS {
            assert!(every_key.iter().any(|(key, _)| *key == field.key) || later.contains(&field.key));
        }
        assert_eq!(FIELDS.len(), every_key.len() + later.len());
    }
}
