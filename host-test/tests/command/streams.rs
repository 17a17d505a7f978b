//! Standard output and standard error.

use super::*;

#[tokio::test]
async fn a_reader_that_has_ended_is_no_error() {
    let mut describe = command(&["describe"]);
    describe.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = describe.spawn().unwrap();
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    });
    let ended = ended.await.unwrap();
    assert_eq!((code(&ended), text(&ended)), (0, String::new()));
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_one_line_and_an_error() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [&["describe"][..], &["describe", "--json"], &["--help"], &["simulate", "--list-dialects"]] {
        let mut command = command(arguments);
        command.stdout(full());
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert_eq!(code(&ended), 1, "{arguments:?}: {}", text(&ended));
        assert!(text(&ended).starts_with("local: standard output cannot be written"), "{}", text(&ended));
        assert_eq!(text(&ended).lines().count(), 1, "{}", text(&ended));
    }
    let mut command = command(&["check"]);
    command.stderr(full());
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!((code(&ended), text(&ended)), (2, String::new()));
}

#[tokio::test]
async fn an_outcome_has_a_colour_only_where_colours_are_wanted() {
    let simulator = accelerated_simulator().await;
    let preview =
        |id: &str| waiting(&simulator, &["delete", "--mode", "preview", "--email", SAMPLE_PERSON, "--id", id]);
    let mut forced = preview("dsr-1");
    forced.env("CLICOLOR_FORCE", "1");
    assert!(text(&output(forced).await).contains("\u{1b}["));
    assert!(!text(&output(preview("dsr-2")).await).contains('\u{1b}'));
}

#[tokio::test]
async fn a_quiet_command_prints_its_result_alone() {
    let simulator = accelerated_simulator().await;
    let arguments = ["delete", "--mode", "preview", "--email", SAMPLE_PERSON, "--id", "dsr-1", "--quiet"];
    let ended = output(waiting(&simulator, &arguments)).await;
    assert_eq!(code(&ended), 0, "{}", text(&ended));
    assert!(ended.stderr.is_empty(), "{}", text(&ended));
    assert!(text(&ended).starts_with("deletion: previewed\n"), "{}", text(&ended));
}
