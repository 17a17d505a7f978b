//! Who is served.

use super::fake::{Fake, TOKEN_SHA256, call, gateway, get, post};

const TARGETS: [(&str, &str); 6] = [
    ("GET", "/openapi.json"),
    ("GET", "/manifest"),
    ("POST", "/deletions"),
    ("GET", "/documents/r1.x"),
    ("GET", "/nowhere"),
    ("PATCH", "/polls"),
];

#[test]
fn nobody_is_served_before_it_is_said_who_may_call() {
    for environment in [&[][..], &[("GATEWAY_TOKEN_SHA256", "")], &[("GATEWAY_TOKEN_SHA256", "secret")]] {
        for (method, target) in TARGETS {
            let mut connector = Fake::default();
            let (answer, reads) = call(method, target).of(&mut gateway(environment), &mut connector);
            assert_eq!((answer.status, answer.problem().as_str()), (503, "gateway-not-configured"));
            assert!(answer.value()["detail"].as_str().is_some_and(|detail| detail.contains("GATEWAY_TOKEN_SHA256")));
            assert_eq!((connector.calls.len(), reads), (0, 0));
        }
    }
}

#[test]
fn a_stranger_gets_to_know_nothing_and_is_not_listened_to() {
    let environment = [("GATEWAY_TOKEN_SHA256", TOKEN_SHA256), ("CONNECTOR_CLIENT_ID", "id")];
    for (method, target) in TARGETS {
        for token in [None, Some("Bearer wrong")] {
            let mut connector = Fake::default();
            let caller = call(method, target).body(vec![b"{}".to_vec()], false).without("authorization");
            let caller = match token {
                Some(token) => caller.header("authorization", token),
                None => caller,
            };
            let (answer, reads) = caller.of(&mut gateway(&environment), &mut connector);
            assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthenticated"), "{method} {target}");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert_eq!(challenge.contains("invalid_token"), token.is_some());
            assert_eq!((connector.calls.len(), reads), (0, 0));
        }
    }
}

#[test]
fn a_known_caller_is_told_what_there_is() {
    assert_eq!(get("/nowhere").answer(&mut Fake::default()).problem(), "not-found");
    assert_eq!(get("/").answer(&mut Fake::default()).status, 404);
    for (method, target, allowed) in [
        ("HEAD", "/manifest", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("GET", "/checks", "POST"),
        ("get", "/manifest", "GET"),
        ("DELETE", "/deletions", "POST"),
        ("PUT", "/documents/r1", "GET"),
    ] {
        let answer = call(method, target).answer(&mut Fake::default());
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {target}");
    }
}

#[test]
fn no_answer_is_kept_by_anybody_on_its_way() {
    let deletion = r#"{"request": {"key": "1", "subject": []}, "mode": "erase"}"#;
    for caller in [get("/manifest"), get("/documents/r1"), get("/nowhere"), post("/deletions", deletion)] {
        let answer = caller.answer(&mut Fake::default());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}
