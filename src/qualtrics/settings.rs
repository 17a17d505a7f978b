//! The settings of a connection to Qualtrics.

use super::account_guard::AccountGuard;
use super::api::host;
use super::rights::RIGHTS;
use crate::contract::{Error, Setting, SettingField};
use crate::http::Origin;
use crate::http::oauth::Credentials;
use crate::privacy::settings_form::{Field, FieldKind, Form};
use crate::secret::Secret;

/// When a deletion is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletionCompletion {
    /// When Qualtrics finished it.
    WhenFinished,
    /// When Qualtrics accepted it.
    OnSubmission,
}

/// The settings of a connection.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where requests go.
    pub origin: Origin,
    /// The ID of the data centre, as configured.
    pub region: String,
    /// The OAuth client.
    pub credentials: Credentials,
    /// When a deletion is complete.
    pub deletion_completion: DeletionCompletion,
    /// Which accounts the guard protects.
    pub account_guard: AccountGuard,
    /// For how long a verifying search is repeated, in seconds.
    pub verify_window_s: u64,
    /// How many addresses a deletion job has at most, counting spellings. `None` if the setting is absent: then groups have the usual
    /// size, and mode `erase` forms none.
    pub group_size: Option<usize>,
    /// The share of Qualtrics' rate limits to keep to, 1 to 100 percent.
    pub rate_share: u8,
    /// The time-out for the head of a response and between two chunks of its body, in milliseconds. A whole call takes at most
    /// twice as long.
    pub response_timeout_ms: u64,
}

const MAX_VERIFY_WINDOW_MIN: u64 = 7 * 24 * 60;

/// The most addresses of a job (fact sheet 6.1).
pub const MAX_GROUP_SIZE: u64 = 500;

/// The set-up form.
const FIELDS: [Field; 10] = [
    Field {
        key: "datacenter-id",
        label: "Data centre ID",
        kind: FieldKind::Text,
        help: "In Qualtrics: Account Settings, Qualtrics IDs, Datacenter ID. For example fra1. A host name or URL of the data centre \
               is accepted as well.",
    },
    Field {
        key: "client-id",
        label: "OAuth client ID",
        kind: FieldKind::Text,
        help: "In Qualtrics, as a brand administrator: Account Settings, Qualtrics IDs, OAuth Client Manager, Create Client, grant \
               type Client Credentials.",
    },
    Field {
        key: "client-secret",
        label: "OAuth client secret",
        kind: FieldKind::Secret,
        help: "Shown once, when the OAuth client is created.",
    },
    Field {
        key: "deletion-behavior",
        label: "A deletion is complete",
        kind: FieldKind::Choice(&[
            ("wait-for-completion", "when Qualtrics has finished it"),
            ("complete-on-submission", "when Qualtrics has accepted it"),
        ]),
        help: "Whether a deletion in mode erase is followed until Qualtrics has finished it. The other modes always are.",
    },
    Field {
        key: "account-guard",
        label: "Protect Qualtrics accounts",
        kind: FieldKind::Choice(&[
            ("all-users", "of every user of the brand"),
            ("own-account", "of this connection only"),
            ("off", "off: no guard; a deletion can delete user accounts"),
        ]),
        help: "Qualtrics deletes the account of a user whose address is erased. Unless the guard is off, a deletion never deletes this \
               connection's own account. With all-users, it deletes another user's account only after an operator overrides the guard \
               for the request.",
    },
    Field {
        key: "verify-window",
        label: "Verification window in minutes",
        kind: FieldKind::Number { default: "60" },
        help: "For how many minutes after a deletion the verifying search is repeated before remaining data is reported. 0 to 10080.",
    },
    Field {
        key: "group-size",
        label: "Addresses per deletion job",
        kind: FieldKind::OptionalNumber,
        help: "How many addresses the deletion requests of one call share a job for, counting every spelling that is sent. 1 to 500. If \
               it is empty: 100 in the modes preview and erase-and-verify, which search for each person; in mode erase, each request \
               has a job of its own, because it is unconfirmed whether Qualtrics processes every address of a job.",
    },
    Field {
        key: "rate-share",
        label: "Share of the rate limits in percent",
        kind: FieldKind::Number { default: "75" },
        help: "How much of Qualtrics' rate limits, which the whole brand shares, one instance may use. 1 to 100. Set 100 if the host \
               enforces one budget for all its instances.",
    },
    Field {
        key: "response-timeout",
        label: "Response time-out in seconds",
        kind: FieldKind::Number { default: "30" },
        help: "How long Qualtrics may take to start a response, and between two parts of it. A whole call takes at most twice as \
               long. 1 to 30.",
    },
    Field {
        key: "base-url",
        label: "Base URL",
        kind: FieldKind::Origin,
        help: "For tests and private gateways: an origin to call instead of the data centre. https, or http on a loopback address.",
    },
];

/// The set-up form, as the contract describes it.
#[must_use]
pub fn fields() -> Vec<SettingField> {
    FIELDS.iter().map(Field::to_contract).collect()
}

impl Settings {
    /// Parses settings: all of them or none. An empty value of an optional setting means its default.
    ///
    /// # Errors
    /// `invalid-settings`, with a problem for each key that is missing, unknown, given twice or malformed. No value is repeated in
    /// it.
    pub fn parse(given: &[Setting]) -> Result<Self, Error> {
        let mut form = Form::new(given, &FIELDS, &RIGHTS);
        let settings = Self::parse_form(&mut form);
        form.finish(settings)
    }

    fn parse_form(form: &mut Form<'_>) -> Option<Self> {
        let datacenter = form.required("datacenter-id", host::datacenter);
        let client_id = form.required("client-id", client_id);
        let client_secret = form.required("client-secret", credential);
        let base_url = "an origin: https://host, or http:// with a loopback address, and nothing after the port";
        let base_url = form.parse("base-url", base_url, host::base_url);
        let completion = "wait-for-completion or complete-on-submission";
        let completion = form.parse("deletion-behavior", completion, DeletionCompletion::parse);
        let guard = form.parse("account-guard", "all-users, own-account or off", AccountGuard::parse);
        let window = "a number of minutes from 0 to 10080";
        let window = form.number("verify-window", window, 60, 0..=MAX_VERIFY_WINDOW_MIN);
        let group_size = form.optional_number("group-size", "a number of addresses from 1 to 500", 1..=MAX_GROUP_SIZE);
        let share = form.number("rate-share", "a number of percent from 1 to 100", 75, 1..=100);
        let timeout = form.number("response-timeout", "a number of seconds from 1 to 30", 30, 1..=30);
        let datacenter = datacenter?;
        Some(Self {
            region: host::region(&datacenter),
            origin: base_url?.unwrap_or(datacenter),
            credentials: Credentials { client_id: client_id?, client_secret: client_secret? },
            deletion_completion: completion?.unwrap_or(DeletionCompletion::WhenFinished),
            account_guard: guard?.unwrap_or(AccountGuard::AllUsers),
            verify_window_s: window?.saturating_mul(60),
            group_size: group_size?.and_then(|size| usize::try_from(size).ok()),
            rate_share: u8::try_from(share?).unwrap_or(100),
            response_timeout_ms: timeout?.saturating_mul(1_000),
        })
    }
}

impl DeletionCompletion {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "wait-for-completion" => Some(Self::WhenFinished),
            "complete-on-submission" => Some(Self::OnSubmission),
            _ => None,
        }
    }
}

/// The ID of an OAuth client.
fn client_id(text: &str) -> Result<Secret, String> {
    if text.contains([' ', ':']) {
        return Err("must be the ID of an OAuth client, without a blank and a colon: copy it again".into());
    }
    credential(text)
}

/// What an ID or a secret of an OAuth client consists of (RFC 6749, appendix A). A secret may contain blanks.
fn credential(text: &str) -> Result<Secret, String> {
    if text.len() > 512 {
        return Err("is longer than 512 characters".into());
    }
    let is_quoted = |mark: char| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark);
    if is_quoted('"') || is_quoted('\'') {
        return Err("is in quotation marks: remove them".into());
    }
    match text.chars().find(|character| !matches!(character, ' '..='~')) {
        None => Ok(Secret::new(text)),
        Some(character) => {
            let code = u32::from(character);
            Err(format!("contains U+{code:04X}, which no OAuth client's ID or secret contains: copy it again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::{ErrorKind, Remedy, SettingKind};

    fn parse(pairs: &[(&str, &str)]) -> Result<Settings, Error> {
        let given: Vec<Setting> =
            pairs.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: (*value).to_owned() }).collect();
        Settings::parse(&given)
    }

    const REQUIRED: [(&str, &str); 3] =
        [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", "secret")];

    #[test]
    fn unset_settings_take_their_defaults() {
        let settings = parse(&[&REQUIRED[..], &[("rate-share", " "), ("base-url", "")]].concat()).expect("settings");
        assert_eq!(settings.origin.to_text(), "https://fra1.qualtrics.com");
        assert_eq!(settings.region, "fra1");
        assert_eq!(settings.deletion_completion, DeletionCompletion::WhenFinished);
        assert_eq!(settings.account_guard, AccountGuard::AllUsers);
        assert_eq!((settings.verify_window_s, settings.rate_share, settings.response_timeout_ms), (3_600, 75, 30_000));
    }

    #[test]
    fn the_form_shows_the_defaults_that_apply() {
        for field in fields() {
            let given = field.default.as_deref().unwrap_or_default();
            let explicit = parse(&[&REQUIRED[..], &[(field.key.as_str(), given)]].concat());
            if !field.required {
                let explicit = format!("{:?}", explicit.expect("settings"));
                assert_eq!(explicit, format!("{:?}", parse(&REQUIRED).expect("settings")), "{}", field.key);
            }
        }
    }

    #[test]
    fn every_field_is_complete_and_every_choice_is_accepted() {
        for field in fields() {
            assert!(!field.label.is_empty() && !field.help.is_empty(), "{}", field.key);
            assert_eq!(field.kind == SettingKind::Secret, field.key == "client-secret");
            let is_without_default = ["base-url", "group-size"].contains(&field.key.as_str());
            assert_eq!(field.required, field.default.is_none() && !is_without_default, "{}", field.key);
            assert_eq!(field.kind == SettingKind::Choice, !field.choices.is_empty(), "{}", field.key);
            for (value, _) in &field.choices {
                parse(&[&REQUIRED[..], &[(&field.key, value)]].concat()).expect("settings");
            }
        }
    }

    #[test]
    fn malformed_values_are_named_and_not_repeated() {
        let error = parse(&[
            ("datacenter-id", "ada@example.org"),
            ("client-id", "a:b"),
            ("client-secret", "s3cr3t\u{7}"),
            ("deletion-behavior", "s3cr3t"),
            ("account-guard", "s3cr3t"),
            ("verify-window", "10081"),
            ("group-size", "501"),
            ("rate-share", "0"),
            ("response-timeout", "31"),
            ("base-url", "http://example.com"),
            ("s3cr3t!", "x"),
        ])
        .expect_err("malformed settings");
        assert_eq!((error.kind, &error.remedy), (ErrorKind::InvalidSettings, &Remedy::Operator));
        let targets: BTreeSet<&str> = error.problems.iter().map(|problem| problem.target.as_str()).collect();
        let every_key = FIELDS.iter().map(|field| field.key).chain([""]);
        assert_eq!(targets, every_key.collect());
        assert!(error.problems.iter().all(|problem| error.message.contains(&problem.message)), "{}", error.message);
        let printed = format!("{error:?}");
        for private in ["s3cr3t", "ada@", "a:b"] {
            assert!(!printed.contains(private), "{private}");
        }
    }

    #[test]
    fn a_client_secret_may_contain_a_colon_and_a_blank() {
        let settings = parse(&[REQUIRED[0], REQUIRED[1], ("client-secret", " s:ecret x\r\n")]).expect("settings");
        assert_eq!(settings.credentials.client_secret.reveal(), "s:ecret x");
    }

    #[test]
    fn values_that_were_copied_badly_are_refused_with_the_reason() {
        for (key, value, reason) in [
            ("client-id", "0123 4567", "without a blank"),
            ("client-id", "0123\n4567", "U+000A (a line break)"),
            ("client-id", "\"01234567\"", "quotation marks"),
            ("client-id", "\u{FEFF}01234567", "U+FEFF"),
            ("client-id", "0123\u{2013}4567", "U+2013"),
            ("client-secret", "0123\r\n4567", "U+000D (a line break)"),
            ("client-secret", "0123\t4567", "U+0009 (a tab)"),
            ("client-secret", "0123\u{A0}4567", "U+00A0"),
            ("client-secret", "'01234567'", "quotation marks"),
            ("client-secret", "0123\u{FFFD}4567", "U+FFFD"),
            ("client-secret", "0123\u{201D}4567", "U+201D"),
            ("datacenter-id", "fra1\u{200B}", "U+200B"),
            ("datacenter-id", "fra 1", "a blank"),
        ] {
            let others = REQUIRED.into_iter().filter(|(other, _)| *other != key);
            let error = parse(&others.chain([(key, value)]).collect::<Vec<_>>()).expect_err(value);
            let [problem] = error.problems.as_slice() else { panic!("{value:?}: {error:?}") };
            assert_eq!(problem.target, key);
            assert!(problem.message.contains(reason), "{value:?}: {}", problem.message);
            assert!(!problem.message.contains("0123"), "{}", problem.message);
        }
    }

    #[test]
    fn numbers_have_their_ranges() {
        let parse_number = |key: &str, number: &str| parse(&[&REQUIRED[..], &[(key, number)]].concat());
        for (key, least, most) in
            [("verify-window", 0, 10_080), ("rate-share", 1, 100), ("response-timeout", 1, 30), ("group-size", 1, 500)]
        {
            for number in [least, most] {
                assert!(parse_number(key, &number.to_string()).is_ok(), "{key} {number}");
            }
            let outside = [(least - 1).to_string(), (most + 1).to_string()];
            for number in outside.iter().map(String::as_str).chain(["+5", "1e1", "0.5"]) {
                let error = parse_number(key, number).expect_err(number);
                let targets: Vec<&str> = error.problems.iter().map(|problem| problem.target.as_str()).collect();
                assert_eq!(targets, [key], "{number}");
            }
        }
    }

    #[test]
    fn published_keys_stay_accepted() {
        let every_key = [
            ("datacenter-id", "fra1"),
            ("client-id", "0123456789abcdef"),
            ("client-secret", "secret"),
            ("deletion-behavior", "complete-on-submission"),
            ("account-guard", "own-account"),
            ("verify-window", "15"),
            ("group-size", "200"),
            ("rate-share", "50"),
            ("response-timeout", "10"),
            ("base-url", "http://127.0.0.1:8080"),
        ];
        let settings = parse(&every_key).expect("settings");
        assert_eq!(settings.deletion_completion, DeletionCompletion::OnSubmission);
        assert_eq!(settings.account_guard, AccountGuard::OwnAccount);
        assert_eq!(settings.group_size, Some(200));
        assert_eq!(settings.origin.to_text(), "http://127.0.0.1:8080");
        assert_eq!(FIELDS.len(), every_key.len());
    }
}
