//! Malformed, extreme and changed settings.

use privacy_host::contract::{ErrorKind, Outcome, Remedy, Setting};
use qualtrics_simulator::{SAMPLE_CLIENT_SECRET, SAMPLE_PERSON};

use crate::fixture::{Fixture, assert_outcome, request_for};
use crate::{MARK, absurd_texts, huge, rejected, setting};

const KEYS: [&str; 10] = [
    "datacenter-id",
    "client-id",
    "client-secret",
    "deletion-behavior",
    "account-guard",
    "verify-window",
    "group-size",
    "base-url",
    "rate-share",
    "response-timeout",
];

/// The settings with one of them replaced.
fn replaced(settings: &[Setting], key: &str, value: &str) -> Vec<Setting> {
    let mut settings = settings.to_vec();
    settings.retain(|setting| setting.key != key);
    settings.push(setting(key, value));
    settings
}

#[tokio::test]
async fn absurd_settings_are_rejected_all_at_once_and_no_value_is_repeated() {
    let mut fixture = Fixture::new().await;
    let valid = fixture.settings.clone();
    let mut absurd: Vec<Vec<Setting>> = vec![
        Vec::new(),
        (0..10_000).map(|index| setting(format!("{MARK}-{index}"), MARK)).collect(),
        (0..10_000).map(|_| setting("client-secret", MARK)).collect(),
        vec![setting(huge(), huge())],
        // A secret in place of a key, with an invisible character from copying.
        [&valid[..], &[setting(MARK, "x\u{200b}")]].concat(),
    ];
    for text in absurd_texts() {
        for key in KEYS {
            let is_blank = text.trim().is_empty();
            let is_required = ["datacenter-id", "client-id", "client-secret"].contains(&key);
            // A form sends blanks for omitted settings.
            if !is_blank || is_required {
                absurd.push(replaced(&valid, key, &text));
            }
        }
    }
    for number in ["-1", "0", "101", "1e2", "1_0", "99999999999999999999999", "NaN", "１"] {
        for key in ["rate-share", "response-timeout"] {
            absurd.push(replaced(&valid, key, number));
        }
    }
    for settings in &absurd {
        let result = fixture.instance.configure(settings).await.expect("a result");
        let error = rejected(result, &[ErrorKind::InvalidSettings]);
        assert_eq!(error.remedy, Remedy::Operator);
        assert!(!error.problems.is_empty());
        assert!(!format!("{error:?}").contains(SAMPLE_CLIENT_SECRET));
    }
    assert!(fixture.simulator.calls().is_empty());
    // The earlier settings still apply.
    assert_outcome(&fixture.access_report(&request_for(SAMPLE_PERSON)).await, Outcome::Found);
}
