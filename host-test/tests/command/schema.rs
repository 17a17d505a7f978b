//! The published schema of the output.

#[path = "output_schema.rs"]
mod output_schema;

use super::*;

#[test]
fn the_published_schema_is_up_to_date() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let published = std::fs::read_to_string(workspace.join(output_schema::FILE)).unwrap_or_default();
    assert!(
        published == output_schema::text(&workspace),
        "{} is not up to date: run `cargo run --locked -p host-test --example output_schema`.",
        output_schema::FILE
    );
}

#[tokio::test]
async fn every_kind_of_output_is_as_the_schema_describes() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let schema = output_schema::schema(&workspace);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let simulator = simulator().await;
    let scratch = ScratchPath::new("schema");
    std::fs::create_dir(&scratch.0).unwrap();
    let requests = scratch.0.join("requests.csv");
    std::fs::write(&requests, format!("id,right,email\ndsr-9,access,{SAMPLE_PERSON}\n")).unwrap();
    let (requests, journal) = (requests.to_str().unwrap(), scratch.0.join("journal"));
    let access = ["access", "--email", SAMPLE_PERSON, "--id", "dsr-1"];
    let kinds = [
        ("manifest", command(&["describe"])),
        ("connection", connected(&simulator, &["check"])),
        ("pending", connected(&simulator, &access)),
        ("done", connected(&simulator, &access)),
        ("ended", connected(&simulator, &access)),
        ("requests", command(&["list"])),
        ("requests", command(&["status", "dsr-1"])),
        ("plan", connected(&simulator, &["batch", requests, "--check"])),
        ("batch", connected(&simulator, &["batch", requests, "--journal", journal.to_str().unwrap()])),
        ("error", connected(&simulator, &["access", "--email", "nobody"])),
        ("failure", command(&["check"])),
    ];
    for (kind, mut command) in kinds {
        command.arg("--json");
        let printed = json(&output(command).await);
        assert!(!printed[kind].is_null(), "{kind}: {printed}");
        let errors: Vec<String> = validator.iter_errors(&printed).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?}");
        let mut other = printed.clone();
        other["unknown"] = true.into();
        assert!(!validator.is_valid(&other), "{kind}");
    }
}

#[tokio::test]
async fn yaml_has_the_members_of_json() {
    let described = output(command(&["describe", "-o", "yaml"])).await;
    assert!(text(&described).starts_with("manifest:\n  name: qualtrics\n"), "{}", text(&described));
}
