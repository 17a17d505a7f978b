//! The connector's settings, from the environment.

use super::fake::{Fake, TOKEN_SHA256, error, get, post, problem};
use privacy_contract::{ErrorKind, Problem, Remedy};

const CHECK: &str = r#"{"rights": []}"#;

fn environment<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("PATH", "/bin"), ("GATEWAY_TOKEN_SHA256", TOKEN_SHA256)].iter().chain(more).copied().collect()
}

#[test]
fn every_variable_for_the_connector_is_a_setting_and_no_other_is() {
    let variables = environment(&[
        ("CONNECTOR_CLIENT_ID", "id"),
        ("CONNECTOR_ODD_KEY", "odd"),
        ("CONNECTOR_OLD_KEY", "meant something once"),
        ("CLIENT_ID", "of something else"),
    ]);
    let mut connector = Fake::default();
    post("/checks", CHECK).of(&mut super::fake::gateway(&variables), &mut connector);
    let settings: Vec<_> = connector.settings.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(settings, [("client-id", "id"), ("Odd.Key", "odd"), ("old-key", "meant something once")]);
}

#[test]
fn an_instance_is_configured_once() {
    let mut connector = Fake::default();
    let mut gateway = super::fake::gateway(&environment(&[]));
    for _ in 0..3 {
        assert_eq!(post("/checks", CHECK).of(&mut gateway, &mut connector).0.status, 200);
    }
    assert_eq!(connector.calls.iter().filter(|call| *call == "configure").count(), 1);
}

#[test]
fn settings_that_are_refused_are_named_by_their_variables() {
    let variables = environment(&[("CONNECTOR_CLIENT_ID", "hunter2"), ("CONNECTOR_NO_SUCH", "hunter3")]);
    let unknown = Problem { target: "no-such".to_owned(), ..problem() };
    let mut refusal = error(ErrorKind::InvalidSettings, Remedy::Operator);
    refusal.problems.push(unknown);
    let mut connector = Fake { refusal: Some(refusal), ..Fake::default() };
    let mut gateway = super::fake::gateway(&variables);
    for _ in 0..2 {
        let (answer, _) = post("/checks", CHECK).of(&mut gateway, &mut connector);
        assert_eq!((answer.status, answer.problem().as_str()), (503, "invalid-settings"));
        let problems = &answer.value()["problems"];
        assert_eq!(problems[0]["target"], "CONNECTOR_CLIENT_ID");
        assert_eq!(problems[1]["target"], "CONNECTOR_NO_SUCH");
        assert!(!answer.text().contains("hunter"), "{}", answer.text());
    }
    assert!(connector.calls.iter().all(|call| call == "configure"), "{:?}", connector.calls);
    for target in ["/manifest", "/openapi.json"] {
        let (answer, _) = get(target).of(&mut gateway, &mut connector);
        assert_eq!(answer.status, 200, "what tells an operator how to set it up: {target}");
    }
}
