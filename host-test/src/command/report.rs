//! The command `report`: the page of measurements.

use std::path::PathBuf;

use clap::Args;
use host_test::performance::{Results, bars, draw};

use super::errors::CommandError;
use super::exit::Exit;

/// Draws the measurements of `cargo bench`.
#[derive(Args)]
pub(super) struct ReportOptions {
    /// The file of results
    #[arg(long, value_name = "FILE", default_value = "target/performance/results.json")]
    results: PathBuf,
    /// The directory for the page and its pictures
    #[arg(long, value_name = "DIR", default_value = "docs/performance")]
    out: PathBuf,
}

impl ReportOptions {
    pub(super) fn run(&self) -> Result<Exit, CommandError> {
        let results = Results::read(&self.results).map_err(|error| {
            let file = self.results.display();
            CommandError::usage(format!("{file} cannot be used: {error}; `cargo bench --package host-test` writes it"))
        })?;
        draw(&results, &self.out)
            .map_err(|error| CommandError::usage(format!("{} cannot be written: {error}", self.out.display())))?;
        for bar in bars(&results) {
            let met = bar.met.map_or("not measured", |met| if met { "met" } else { "MISSED" });
            println!("{met:>12}  {} {}: {}", bar.what, bar.wanted, bar.reached.unwrap_or_default());
        }
        println!("The page is {}.", self.out.join("README.md").display());
        Ok(Exit::Done)
    }
}
