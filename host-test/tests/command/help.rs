//! Help, completions and manual pages.

use super::*;

#[tokio::test]
async fn every_command_is_listed_in_a_group_of_the_help() {
    let help = output(command(&["--help"])).await;
    let printed = text(&help);
    let (commands, _) = printed.split_once("\nOptions:\n").unwrap();
    let scratch = ScratchPath::new("manual");
    let written = output(command(&["man", "--out", scratch.argument()])).await;
    assert_eq!(code(&written), 0, "{}", text(&written));
    let mut pages = 0;
    for page in scratch.0.read_dir().unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        let Some(command) = name.strip_prefix("privacy-").and_then(|name| name.strip_suffix(".1")) else { continue };
        assert!(commands.lines().any(|line| line.split_whitespace().next() == Some(command)), "{command}: {commands}");
        pages += 1;
    }
    assert!(pages > 12, "{pages}");
    for group in ["Requests:", "Connection:", "Tools:"] {
        assert!(commands.lines().any(|line| line == group), "{commands}");
    }
}

#[tokio::test]
async fn options_for_tests_are_hidden_and_settings_are_options() {
    let help = output(command(&["access", "--help"])).await;
    for (option, is_listed) in
        [("--accelerate", false), ("--rate-share", true), ("--client-secret-file", true), ("--client-secret ", false)]
    {
        assert_eq!(text(&help).contains(option), is_listed, "{option}");
    }
}

#[tokio::test]
async fn completions_know_the_settings_of_the_connector() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = output(command(&["completions", shell])).await;
        assert_eq!(code(&printed), 0, "{}", text(&printed));
        assert!(text(&printed).contains("datacenter-id"), "{shell}");
    }
}
