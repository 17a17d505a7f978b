//! The command line: see `host-test --help`.

mod command;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    command::run().await
}
