use super::*;

/// Whether a policy with this list permits a request to this URL.
fn permits(list: &str, url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.find('/').map_or((rest, "/"), |path| rest.split_at(path));
    Policy::of_list(list).permits(Some(scheme == "https"), Some(authority), Some(path))
}

#[test]
fn an_empty_list_denies_all() {
    for list in ["", " "] {
        assert!(!permits(list, "https://fra1.qualtrics.com/"));
        assert!(!permits(list, "http://127.0.0.1/"));
    }
}

#[test]
fn a_list_with_one_invalid_entry_denies_all() {
    let good = "https://fra1.qualtrics.com";
    assert!(permits(good, "https://fra1.qualtrics.com/"));
    for wrong in [
        "fra1.qualtrics.com",
        "*",
        "https://*",
        "https://*.com",
        "https://*.127.0.0.1",
        "https://fra1.*.com",
        "https://fra1.qualtrics.com/",
        "https://me:secret@fra1.qualtrics.com",
        "https://fra1.qualtrics.com:0",
        "https://fra1.qualtrics.com:+80",
        "https://fra1.qualtrics.com:65536",
        "https://fra1.qualtrics.com:",
        "https://127.1",
        "https://0x7f000001",
        "https://[::1",
        "https://münchen.example",
        "http://fra1.qualtrics.com",
        "http://localhost:8080",
        "http://[::ffff:127.0.0.1]:8080",
        "ftp://fra1.qualtrics.com",
        "https://",
        "",
    ] {
        assert!(!permits(&format!("{good},{wrong}"), "https://fra1.qualtrics.com/"), "{wrong}");
        assert!(!permits(&format!("{wrong},{good}"), "https://fra1.qualtrics.com/"), "{wrong}");
    }
}

#[test]
fn whitespace_around_entries_is_ignored() {
    let list = "https://fra1.qualtrics.com, http://127.0.0.1:8080 ,\nhttps://*.example.com:8443";
    for url in ["https://fra1.qualtrics.com/", "http://127.0.0.1:8080/x", "https://a.example.com:8443/"] {
        assert!(permits(list, url), "{url}");
    }
    assert!(!permits(list, "https://a.example.com/"));
}

#[test]
fn an_exact_origin_permits_only_itself() {
    let list = "https://fra1.qualtrics.com";
    assert!(permits(list, "https://fra1.qualtrics.com/API/v3/whoami?x=1"));
    assert!(permits(list, "https://FRA1.Qualtrics.COM:443"));
    for other in [
        "http://fra1.qualtrics.com/",
        "http://fra1.qualtrics.com:443/",
        "https://fra1.qualtrics.com:8443/",
        "https://fra1.qualtrics.com:0443x/",
        "https://fra1.qualtrics.com./",
        "https://iad1.qualtrics.com/",
        "https://a.fra1.qualtrics.com/",
        "https://fra1.qualtrics.com.example.com/",
        "https://user@fra1.qualtrics.com/",
        "https://fra1.qualtrics.com@example.com/",
        "https://example.com#.fra1.qualtrics.com/",
        "https://example.com\\.fra1.qualtrics.com/",
        "https://fra1.qualtrics.com%2eexample.com/",
        "https:///",
    ] {
        assert!(!permits(list, other), "{other}");
    }
}

#[test]
fn a_wildcard_permits_subdomains_and_not_the_domain_itself() {
    let list = "https://*.qualtrics.com";
    assert!(permits(list, "https://fra1.qualtrics.com/"));
    assert!(permits(list, "https://acme.fra1.qualtrics.com/"));
    for other in [
        "https://qualtrics.com/",
        "https://.qualtrics.com/",
        "https://evilqualtrics.com/",
        "https://*.qualtrics.com/",
        "https://fra1.qualtrics.com:444/",
        "http://fra1.qualtrics.com/",
        "https://127.0.0.1/",
        "https://münchen.qualtrics.com/",
    ] {
        assert!(!permits(list, other), "{other}");
    }
    assert!(permits(list, "https://xn--mnchen-3ya.qualtrics.com/"));
}

#[test]
fn an_address_permits_only_itself() {
    assert!(permits("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"));
    assert!(permits("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/x"));
    assert!(permits("https://8.8.8.8", "https://8.8.8.8/"));
    for other in [
        "http://127.0.0.1:8081/",
        "http://127.0.0.2:8080/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://localhost:8080/",
        "https://127.0.0.1:8080/",
    ] {
        assert!(!permits("http://127.0.0.1:8080", other), "{other}");
    }
}

#[test]
fn a_private_address_is_denied_even_if_it_is_listed() {
    for address in ["10.1.2.3", "169.254.169.254", "192.168.1.1", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]"]
    {
        let url = format!("https://{address}");
        assert_eq!(Policy::of_list(&url).0.len(), 1, "{url} is a valid entry");
        assert!(!permits(&url, &url), "{url}");
    }
}

#[test]
fn a_request_without_scheme_authority_or_path_is_denied() {
    let policy = Policy::of_list("https://fra1.qualtrics.com,http://127.0.0.1:80");
    let (tls, authority, path) = (Some(true), Some("fra1.qualtrics.com"), Some("/"));
    assert!(policy.permits(tls, authority, path));
    assert!(!policy.permits(None, authority, path));
    assert!(!policy.permits(tls, None, path));
    assert!(!policy.permits(tls, authority, None));
}

#[test]
fn a_path_cannot_change_the_host() {
    let policy = Policy::of_list("https://fra1.qualtrics.com");
    let permits = |path| policy.permits(Some(true), Some("fra1.qualtrics.com"), Some(path));
    for path in ["@example.com/", ".example.com/", ":8443/", "", "?x", "\\example.com"] {
        assert!(!permits(path), "{path}");
    }
    for path in ["/", "//example.com/", "/@example.com/", "/?x=https://example.com/"] {
        assert!(permits(path), "{path}");
    }
}
