//! Standard output and standard error.
//!
//! The macros `println` and `eprintln` of this program replace those of `std`, which panic if the stream is closed or full.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use console::Term;

use super::exit::Exit;

/// Prints a line on standard output.
macro_rules! println {
    () => { $crate::command::terminal::output(format_args!("")) };
    ($($text:tt)*) => { $crate::command::terminal::output(format_args!($($text)*)) };
}

/// Prints a line on standard error.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::command::terminal::message(format_args!($($text)*)) };
}

/// The form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people
    #[default]
    Table,
    /// One JSON object: docs/output.schema.json
    Json,
    /// The same object as YAML
    Yaml,
}

/// What else is printed beside a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Progress and hints.
    #[default]
    Normal,
    /// Errors and warnings alone.
    Quiet,
}

static SETTINGS: OnceLock<(Format, Verbosity)> = OnceLock::new();

/// Standard output could not be written, for another reason than that its reader has ended.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Sets how this process prints, once.
pub(super) fn init(format: Format, verbosity: Verbosity) {
    let _ = SETTINGS.set((format, verbosity));
}

/// The form of the result.
pub(super) fn format() -> Format {
    SETTINGS.get().copied().unwrap_or_default().0
}

/// Whether progress and hints are left out.
pub(super) fn is_quiet() -> bool {
    SETTINGS.get().copied().unwrap_or_default().1 == Verbosity::Quiet
}

/// Prints a line on standard output. A reader that has ended, such as `head`, is no error. Any other failure is reported once, and
/// [`exit`] returns it.
pub(super) fn output(text: Arguments<'_>) {
    let mut stream = io::stdout().lock();
    let written = writeln!(stream, "{text}").and_then(|()| stream.flush());
    if let Err(error) = written {
        lost(&error);
    }
}

/// Standard output could not be written.
pub(super) fn lost(error: &io::Error) {
    if error.kind() != ErrorKind::BrokenPipe && !OUTPUT_LOST.swap(true, Ordering::SeqCst) {
        message(format_args!("local: standard output cannot be written: {error}"));
    }
}

/// Prints a line on standard error. There is no other place to report that this failed.
pub(super) fn message(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The text with this indentation, as wide as the terminal. Elsewhere lines are not broken, so that programs find them.
pub(super) fn wrap(text: &str, indentation: usize) -> String {
    wrapped(text, indentation, width(&Term::stdout()))
}

/// The same for standard error.
pub(super) fn wrap_message(text: &str, indentation: usize) -> String {
    wrapped(text, indentation, width(&Term::stderr()))
}

fn width(terminal: &Term) -> Option<usize> {
    let is_terminal = terminal.is_term();
    terminal.size_checked().filter(|_| is_terminal).map(|(_, columns)| usize::from(columns))
}

fn wrapped(text: &str, indentation: usize, width: Option<usize>) -> String {
    let (first, next) = (" ".repeat(indentation), " ".repeat(indentation + 2));
    let Some(width) = width else { return format!("{first}{text}") };
    let options = textwrap::Options::new(width.max(40)).break_words(false);
    let options = options.initial_indent(&first).subsequent_indent(&next);
    // A line of its own stays one.
    let lines = text.lines().map(|line| textwrap::fill(line, options.clone()));
    lines.collect::<Vec<_>>().join("\n")
}

/// A word on standard error that marks a failure.
pub(super) fn failure(word: &str) -> String {
    console::style(word).for_stderr().red().bold().to_string()
}

/// The exit code of the process: a result that nobody could read is no success.
pub(super) fn exit(exit: Exit) -> Exit {
    if exit == Exit::Done && OUTPUT_LOST.load(Ordering::SeqCst) { Exit::Error } else { exit }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_as_wide_as_the_terminal_and_are_not_broken_elsewhere() {
        let text = "one two three four five six seven eight nine ten";
        let expected = "  one two three four five six seven eight\n    nine ten";
        assert_eq!(wrapped(text, 2, Some(42)), expected);
        assert_eq!(wrapped(text, 2, None), format!("  {text}"));
    }
}
