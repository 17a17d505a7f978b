//! The connector's settings, from the environment.

use super::fake::{Fake, TOKEN_SHA256, error, get, post, problem};
use privacy_contract::{ErrorKind, Problem, Remedy};

const CHECK: &str = r#"{"rights": []}"#;

fn environment<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("PATH", "/bin"), ("GATEWAY_TOKEN_SHA256", TOKEN_SHA256)].iter().chain(more).copied().collect()
}

#[test]
fn only_variables_with_the_prefix_become_settings() {
    let variables = environment(&[
        ("CONNECTOR_CLIENT_ID", "id"),
        ("CONNECTOR_ODD_KEY", "odd"),
        ("CONNECTOR_OLD_KEY", "obsolete"),
        ("CLIENT_ID", "of another program"),
    ]);
    let mut connector = Fake::default();
    post("/checks", CHECK).send_to(&mut super::fake::gateway(&variables), &mut connector);
    let settings: Vec<_> = connector.settings.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(settings, [("client-id", "id"), ("Odd.Key", "odd"), ("old-key", "obsolete")]);
}

#[test]
fn an_instance_is_configured_once() {
    let mut connector = Fake::default();
    let mut gateway = super::fake::gateway(&environment(&[]));
    for _ in 0..3 {
        assert_eq!(post("/checks", CHECK).send_to(&mut gateway, &mut connector).0.status, 200);
    }
    assert_eq!(connector.calls.iter().filter(|call| *call == "configure").count(), 1);
}

#[test]
fn rejected_settings_are_named_by_their_variables() {
    let variables = environment(&[("CONNECTOR_CLIENT_ID", "hunter2"), ("CONNECTOR_NO_SUCH", "hunter3")]);
    let unknown = Problem { target: "no-such".to_owned(), ..problem() };
    let mut rejection = error(ErrorKind::InvalidSettings, Remedy::Operator);
    rejection.problems.push(unknown);
    let mut connector = Fake { configure_error: Some(rejection), ..Fake::default() };
    let mut gateway = super::fake::gateway(&variables);
    for _ in 0..2 {
        let (response, _) = post("/checks", CHECK).send_to(&mut gateway, &mut connector);
        assert_eq!((response.status, response.problem().as_str()), (503, "invalid-settings"));
        let problems = &response.value()["problems"];
        assert_eq!(problems[0]["target"], "CONNECTOR_CLIENT_ID");
        assert_eq!(problems[1]["target"], "CONNECTOR_NO_SUCH");
        assert!(!response.text().contains("hunter"), "{}", response.text());
    }
    assert!(connector.calls.iter().all(|call| call == "configure"), "{:?}", connector.calls);
    for target in ["/manifest", "/openapi.json"] {
        let (response, _) = get(target).send_to(&mut gateway, &mut connector);
        assert_eq!(response.status, 200, "{target} helps an operator to configure the gateway");
    }
}
