//! Parsers of input from hosts and operators: settings, origins, identifiers, tickets and references.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use qualtrics_connector::contract::{ErrorKind, Remedy, Request, Setting};
use qualtrics_connector::privacy::identifier::Identifier;
use qualtrics_connector::privacy::subject::Subject;
use qualtrics_connector::qualtrics::api::host;
use qualtrics_connector::qualtrics::settings::Settings;
use qualtrics_connector::qualtrics::ticket::{Reference, Ticket};
use sha2::{Digest, Sha256};

use super::{MARK, has_no_private_data};

/// Checks that settings are accepted or rejected without repeating a value that contains [`MARK`].
pub fn settings(pairs: &[(String, String)]) {
    let given: Vec<Setting> =
        pairs.iter().map(|(key, value)| Setting { key: key.clone(), value: value.clone() }).collect();
    match Settings::parse(&given) {
        Ok(settings) => {
            assert!((1..=100).contains(&settings.rate_share) && settings.verify_window_s <= 604_800);
            assert!((1_000..=30_000).contains(&settings.response_timeout_ms));
            assert!(!settings.credentials.client_id.reveal().contains(':'));
            assert!(!settings.region.is_empty());
            let printed = format!("{settings:?}");
            assert!(!printed.contains(MARK), "{printed}");
        }
        Err(error) => {
            assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidSettings, Remedy::Operator));
            assert!(!error.problems.is_empty());
            assert!(error.problems.iter().all(|problem| problem.code == "setting"));
            let printed = format!("{error:?}");
            assert!(!printed.contains(MARK), "{printed}");
        }
    }
}

/// Checks that an accepted data centre is a host below `qualtrics.com`, and that an accepted base URL is `https` or loopback.
pub fn origin(text: &str) {
    let is_host = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if let Some(origin) = host::datacenter(text).ok().map(|origin| origin.to_text()) {
        let host = origin.strip_prefix("https://").expect("TLS");
        let subdomain = host.strip_suffix(".qualtrics.com").expect("below qualtrics.com");
        assert!(is_host(subdomain) && !subdomain.is_empty() && !subdomain.starts_with('.'), "{origin}");
        assert!(text.to_ascii_lowercase().contains(subdomain), "{text:?}: {origin}");
    }
    if let Some(origin) = host::base_url(text).map(|origin| origin.to_text()) {
        let (scheme, authority) = origin.split_once("://").expect("a scheme");
        assert!(!authority.is_empty() && !authority.contains(['/', '?', '#', '@', '\\', ' ']), "{origin}");
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        assert!(text.trim().to_ascii_lowercase().starts_with(&origin), "{text:?}: {origin}");
        assert!(scheme == "https" || (scheme == "http" && is_loopback), "{origin}");
    }
}

/// Checks that an accepted identifier is accepted again unchanged, and that a rejection does not repeat it.
pub fn identifier(text: &str) {
    for parsed in [Identifier::email(text), Identifier::phone(text), Identifier::external_id(text)] {
        match parsed {
            Ok(identifier) => {
                let request = Request {
                    id: "r".to_owned(),
                    subject: vec![identifier.to_contract()],
                    attempts: None,
                    overrides: Vec::new(),
                };
                let Ok(subject) = Subject::parse(&request, 0) else {
                    panic!("an accepted identifier is accepted again")
                };
                assert!(subject.unsupported.is_empty() && subject.identifiers.len() == 1);
                assert!(subject.identifiers[0].identifier == identifier, "the identifier changed");
            }
            Err(reason) => {
                assert!(!reason.is_empty());
                assert!(has_no_private_data(&reason), "{reason}");
            }
        }
    }
}

/// Checks that a parsed ticket or reference can be formatted and round-trips.
pub fn ticket(text: &str) {
    if let Ok(ticket) = Ticket::parse(text) {
        match ticket.format() {
            Ok(formatted) => assert_eq!(Ticket::parse(&formatted).ok(), Some(ticket)),
            Err(error) => assert_eq!(error.kind, ErrorKind::UnexpectedResponse),
        }
    }
    if let Ok(reference) = Reference::parse(text) {
        match reference.format() {
            Ok(formatted) => assert_eq!(Reference::parse(&formatted).ok(), Some(reference)),
            Err(error) => assert_eq!(error.kind, ErrorKind::UnexpectedResponse),
        }
    }
}

/// A ticket of this version with this content and a valid checksum.
pub fn sealed(version: &str, content: &[u8]) -> String {
    let body = [version, &URL_SAFE_NO_PAD.encode(content), "."].concat();
    let digest = Sha256::digest(body.as_bytes());
    [&body, URL_SAFE_NO_PAD.encode(&digest[..6]).as_str()].concat()
}
