//! The page of measurements.

use std::path::PathBuf;

use clap::Args;
use host_test::performance::{Results, bars, draw};

use super::exit::Exit;
use super::trouble::Trouble;

/// Draws what `cargo bench` has measured.
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
    pub(super) fn run(&self) -> Result<Exit, Trouble> {
        let results = Results::read(&self.results).map_err(|error| {
            let file = self.results.display();
            Trouble::usage(format!("{file} holds no results: {error}; `cargo bench --package host-test` makes them"))
        })?;
        draw(&results, &self.out)
            .map_err(|error| Trouble::usage(format!("{} cannot be written: {error}", self.out.display())))?;
        for bar in bars(&results) {
            let met = bar.met.map_or("not measured", |met| if met { "met" } else { "MISSED" });
            println!("{met:>12}  {} {}: {}", bar.what, bar.wanted, bar.reached.unwrap_or_default());
        }
        println!("The page is {}.", self.out.join("README.md").display());
        Ok(Exit::Done)
    }
}
