//! Authentication, and unknown paths and methods.

use super::fake::{Fake, TOKEN_SHA256, gateway, get, post, request};

const TARGETS: [(&str, &str); 6] = [
    ("GET", "/openapi.json"),
    ("GET", "/manifest"),
    ("POST", "/deletions"),
    ("GET", "/documents/r1.x"),
    ("GET", "/nowhere"),
    ("PATCH", "/polls"),
];

#[test]
fn every_request_is_503_until_a_token_digest_is_configured() {
    for environment in [&[][..], &[("GATEWAY_TOKEN_SHA256", "")], &[("GATEWAY_TOKEN_SHA256", "secret")]] {
        for (method, target) in TARGETS {
            let mut connector = Fake::default();
            let (response, reads) = request(method, target).send_to(&mut gateway(environment), &mut connector);
            assert_eq!((response.status, response.problem().as_str()), (503, "gateway-not-configured"));
            assert!(response.value()["detail"].as_str().is_some_and(|detail| detail.contains("GATEWAY_TOKEN_SHA256")));
            assert_eq!((connector.calls.len(), reads), (0, 0));
        }
    }
}

#[test]
fn an_unauthenticated_request_is_401_and_its_body_is_not_read() {
    let environment = [("GATEWAY_TOKEN_SHA256", TOKEN_SHA256), ("CONNECTOR_CLIENT_ID", "id")];
    for (method, target) in TARGETS {
        for token in [None, Some("Bearer wrong")] {
            let mut connector = Fake::default();
            let request = request(method, target).body(vec![b"{}".to_vec()], false).without("authorization");
            let request = match token {
                Some(token) => request.header("authorization", token),
                None => request,
            };
            let (response, reads) = request.send_to(&mut gateway(&environment), &mut connector);
            assert_eq!((response.status, response.problem().as_str()), (401, "unauthenticated"), "{method} {target}");
            let challenge = response.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert_eq!(challenge.contains("invalid_token"), token.is_some());
            assert_eq!((connector.calls.len(), reads), (0, 0));
        }
    }
}

#[test]
fn unknown_paths_are_404_and_wrong_methods_are_405() {
    assert_eq!(get("/nowhere").send(&mut Fake::default()).problem(), "not-found");
    assert_eq!(get("/").send(&mut Fake::default()).status, 404);
    for (method, target, allowed) in [
        ("HEAD", "/manifest", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("GET", "/checks", "POST"),
        ("get", "/manifest", "GET"),
        ("DELETE", "/deletions", "POST"),
        ("PUT", "/documents/r1", "GET"),
    ] {
        let response = request(method, target).send(&mut Fake::default());
        assert_eq!((response.status, response.header("allow")), (405, Some(allowed)), "{method} {target}");
    }
}

#[test]
fn no_response_may_be_cached() {
    let deletion = r#"{"requests": [{"id": "dsr-1", "subject": []}], "mode": "erase"}"#;
    for (request, status) in [
        (get("/manifest"), 200),
        (get("/documents/r1"), 200),
        (post("/deletions", deletion), 200),
        (get("/nowhere"), 404),
        (post("/deletions", "{}"), 400),
        (get("/manifest").without("authorization"), 401),
    ] {
        let response = request.send(&mut Fake::default());
        assert_eq!(response.status, status);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    }
}
