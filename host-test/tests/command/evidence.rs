//! The files that `--out` writes beside the documents.

use super::*;

/// Follows a request, and returns its `report.json` and `report.html`.
async fn evidence(simulator: &Simulator, arguments: &[&str]) -> (Value, String) {
    let scratch = ScratchPath::new(&format!("evidence-{}", arguments[0]));
    let arguments = [arguments, &["--id", "dsr-1", "--out", scratch.argument()]].concat();
    let ended = output(waiting(simulator, &arguments)).await;
    assert!([0, 4, 5].contains(&code(&ended)), "{}", text(&ended));
    assert_eq!(mode(&scratch.0.join("report.html")), 0o600);
    let [report, page] =
        ["report.json", "report.html"].map(|name| std::fs::read_to_string(scratch.0.join(name)).unwrap());
    (serde_json::from_str(&report).unwrap(), page)
}

#[tokio::test]
async fn the_report_names_outcome_findings_gaps_jobs_tenant_account_and_component() {
    let simulator = accelerated_simulator().await;
    let (report, page) = evidence(&simulator, &["access", "--email", SAMPLE_PERSON]).await;
    assert_eq!((&report["request-id"], &report["outcome"]), (&"dsr-1".into(), &"found".into()));
    assert_eq!(report["identifiers"], serde_json::json!(["email"]));
    let connection = &report["connection"];
    assert_eq!((&connection["tenant"], &connection["account"]), (&"examplebrand".into(), &SAMPLE_ADMINISTRATOR.into()));
    let sha256 = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(CONNECTOR));
    assert_eq!(report["connector"]["sha256"], sha256.as_str());
    let finished = report["finished-at"].as_str().unwrap();
    assert!(finished.ends_with('Z') && finished.contains('T'), "{finished}");
    assert!(page.contains(&sha256) && page.contains("examplebrand") && page.contains(finished));
    for (member, name) in [("findings", "source"), ("gaps", "code"), ("documents", "name"), ("discovered", "phone")] {
        assert!(!report[member][0][name].is_null(), "{member}: {report}");
    }
    for shown in
        [&report["findings"][0]["source"], &report["documents"][0]["name"], &report["receipt"]["jobs"][0]["id"]]
    {
        assert!(page.contains(shown.as_str().unwrap()), "{shown}");
    }
    let advice = report["gaps"][0]["advice"].as_str().unwrap();
    assert!(page.contains(advice), "{advice}");
    // The request's own identifier is not part of the evidence.
    assert!(!report.to_string().contains(SAMPLE_PERSON) && !page.contains(SAMPLE_PERSON));
}

#[tokio::test]
async fn the_page_has_no_script_and_loads_nothing() {
    let simulator = accelerated_simulator().await;
    let (report, page) = evidence(&simulator, &["delete", "--mode", "erase", "--email", SAMPLE_ADMINISTRATOR]).await;
    assert_eq!(report["outcome"], "refused");
    assert!(page.contains("What was deleted, and how it was verified"), "{page}");
    assert!(page.contains("Nothing was started"), "{page}");
    for harmful in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(harmful), "{harmful}");
    }
}
