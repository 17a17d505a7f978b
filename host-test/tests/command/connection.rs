//! Connectors, their settings, and profiles.

use super::*;

#[tokio::test]
async fn an_incomplete_connection_names_options_and_variables_before_anything_is_stored() {
    let incomplete = output(command(&["delete", "--mode", "erase", "--email", SAMPLE_PERSON, "--id", "dsr-1"])).await;
    assert_eq!(code(&incomplete), 2, "{}", text(&incomplete));
    for name in ["--datacenter-id", "CONNECTOR_DATACENTER_ID", "--client-secret-file", SECRET] {
        assert!(text(&incomplete).contains(name), "{name}: {}", text(&incomplete));
    }
    assert!(!state_directory().join("dsr-1").join("journal").exists());
}

#[tokio::test]
async fn settings_are_accepted_as_variables() {
    let simulator = simulator().await;
    let mut check = command(&["check"]);
    check.env("CONNECTOR_BASE_URL", simulator.origin()).env("CONNECTOR_DATACENTER_ID", "fra1");
    check.env("CONNECTOR_CLIENT_ID", SAMPLE_CLIENT_ID).env(SECRET, SAMPLE_CLIENT_SECRET);
    let checked = output(check).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked));
}

#[tokio::test]
async fn a_component_in_a_file_is_used_with_the_settings_that_it_describes() {
    let simulator = simulator().await;
    let scratch = ScratchPath::new("plugin");
    std::fs::create_dir(&scratch.0).unwrap();
    let file = scratch.0.join("connector.wasm");
    std::fs::write(&file, CONNECTOR).unwrap();
    let checked = output(connected(&simulator, &["check", "--plugin", file.to_str().unwrap()])).await;
    assert_eq!(code(&checked), 0, "{}", text(&checked));
    std::fs::write(&file, "no component").unwrap();
    let refused = output(command(&["describe", "--plugin", file.to_str().unwrap()])).await;
    assert_eq!(code(&refused), 1, "{}", text(&refused));
    let unused = output(command(&["serve", "--plugin", file.to_str().unwrap()])).await;
    assert_eq!(code(&unused), 2, "{}", text(&unused));
}

#[tokio::test]
async fn a_secret_is_accepted_from_a_file_and_not_from_the_command_line() {
    let simulator = simulator().await;
    let refused = output(connected(&simulator, &["check", "--client-secret", "x"])).await;
    assert_eq!(code(&refused), 2);
    assert!(text(&refused).contains("--client-secret-file"));
    assert_eq!(simulator.calls().len(), 0);

    let scratch = ScratchPath::new("secret");
    std::fs::create_dir(&scratch.0).unwrap();
    let file = scratch.0.join("secret");
    std::fs::write(&file, format!("{SAMPLE_CLIENT_SECRET}\n")).unwrap();
    let mut from_file = connected(&simulator, &["check", "--client-secret-file", file.to_str().unwrap()]);
    from_file.env_remove(SECRET);
    assert_eq!(code(&output(from_file).await), 0);
}

/// The options of `configure` for this simulator.
fn configure(simulator: &Simulator, arguments: &[&str]) -> Command {
    let origin = simulator.origin();
    let mut configure =
        command(&["configure", "--base-url", &origin, "--datacenter-id", "fra1", "--client-id", SAMPLE_CLIENT_ID]);
    configure.args(arguments);
    configure
}

#[tokio::test]
async fn a_profile_is_checked_written_for_its_owner_and_used_by_its_name() {
    let simulator = simulator().await;
    let printed = format!("client-secret=printf %s '{SAMPLE_CLIENT_SECRET}'");
    let configured = output(configure(&simulator, &["--profile", "test", "--secret-command", &printed])).await;
    assert_eq!(code(&configured), 0, "{}", text(&configured));
    let file = HOME.with(|home| home.0.join("configuration/privacy/config.toml"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));

    let mut by_variable = command(&["check"]);
    by_variable.env("PRIVACY_PROFILE", "test");
    // A variable of another tenant does not change a profile that is named.
    let mut by_option = command(&["check", "--profile", "test"]);
    by_option.env("CONNECTOR_CLIENT_ID", "another");
    for check in [by_variable, by_option] {
        let checked = output(check).await;
        assert_eq!(code(&checked), 0, "{}", text(&checked));
    }
    let unknown = output(command(&["check", "--profile", "other"])).await;
    assert_eq!(code(&unknown), 2);
    assert!(text(&unknown).contains("`privacy configure --profile other`"), "{}", text(&unknown));

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let changed = output(command(&["check", "--profile", "test"])).await;
    assert_eq!(code(&changed), 2, "{}", text(&changed));
    assert!(text(&changed).contains("other users can change"), "{}", text(&changed));
}

#[tokio::test]
async fn a_profile_with_a_wrong_secret_is_not_written() {
    let simulator = simulator().await;
    let mut wrong = configure(&simulator, &["--secret-variable", "client-secret=OWN"]);
    wrong.env("OWN", "wrong-horse");
    let refused = output(wrong).await;
    assert_eq!(code(&refused), 1, "{}", text(&refused));
    assert!(!text(&refused).contains("wrong-horse"));
    let incomplete = output(configure(&simulator, &[])).await;
    assert_eq!(code(&incomplete), 2, "{}", text(&incomplete));
    assert!(text(&incomplete).contains("client-secret"), "{}", text(&incomplete));
    assert!(!HOME.with(|home| home.0.join("configuration/privacy/config.toml")).exists());
}

#[tokio::test]
async fn a_file_with_a_secret_that_others_can_read_is_warned_about() {
    let simulator = simulator().await;
    let scratch = ScratchPath::new("exposed");
    std::fs::create_dir(&scratch.0).unwrap();
    let file = scratch.0.join("secret");
    std::fs::write(&file, SAMPLE_CLIENT_SECRET).unwrap();
    for (permissions, is_warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(permissions)).unwrap();
        let mut check = connected(&simulator, &["check", "--client-secret-file", file.to_str().unwrap()]);
        check.env_remove(SECRET);
        let checked = output(check).await;
        assert_eq!(code(&checked), 0, "{}", text(&checked));
        assert_eq!(String::from_utf8_lossy(&checked.stderr).contains("chmod 600"), is_warned, "{}", text(&checked));
    }
}
