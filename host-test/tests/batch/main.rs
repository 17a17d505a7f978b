//! The command `batch`.

#![cfg(unix)]

mod check;
mod files;
mod input;
mod limits;
#[path = "../end_to_end/markers.rs"]
mod markers;
mod order;
mod resume;
#[path = "../shell/mod.rs"]
mod shell;

use qualtrics_simulator::Brand;

use markers::with_markers;
use shell::{Running, Shell, code};

/// A batch, with the paths of its files.
struct Batch {
    shell: Shell,
    paths: [String; 4],
}

impl Batch {
    async fn new(lines: &[&str]) -> Self {
        let shell = Shell::new(with_markers(Brand::sample())).await;
        let paths = ["requests.csv", "journal", "out", "results.csv"].map(|name| shell.directory.path(name));
        let batch = Self { shell, paths };
        batch.write(lines);
        batch
    }

    fn write(&self, lines: &[&str]) {
        let header = "id,right,mode,email,overrides";
        std::fs::write(&self.paths[0], format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    }

    fn spawn(&self) -> Running {
        self.spawn_with(&[])
    }

    fn spawn_with(&self, options: &[&str]) -> Running {
        let [requests, journal, out, results] = &self.paths;
        let arguments = ["batch", requests, "--journal", journal, "--out", out, "--results", results];
        self.shell.spawn(&[&arguments[..], options].concat())
    }

    async fn run(&self) -> (i32, String) {
        self.run_with(&[]).await
    }

    /// The exit code, and both outputs.
    async fn run_with(&self, options: &[&str]) -> (i32, String) {
        let output = self.spawn_with(options).end().await;
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        (code(&output), String::from_utf8(text).unwrap())
    }

    /// ID, and outcome or error, of each line of the results.
    fn results(&self) -> Vec<(String, String)> {
        let mut reader = csv::Reader::from_path(&self.paths[3]).unwrap();
        let lines = reader.records().map(|line| {
            let line = line.unwrap();
            (line[0].to_owned(), format!("{}{}", &line[3], &line[4]))
        });
        lines.collect()
    }

    /// The remedy in the line of this request in the results.
    fn remedy(&self, id: &str) -> String {
        let mut reader = csv::Reader::from_path(&self.paths[3]).unwrap();
        let line = reader.records().map(Result::unwrap).find(|line| &line[0] == id);
        line.unwrap_or_else(|| panic!("no line of {id}"))[5].to_owned()
    }

    fn erasures_of(&self, address: &str) -> usize {
        let jobs = self.shell.simulator.erasures();
        jobs.iter().filter(|job| !job.search_only && job.emails.iter().any(|email| email == address)).count()
    }

    fn expect(&self, results: &[(&str, &str)]) {
        let results: Vec<_> = results.iter().map(|(id, end)| ((*id).to_owned(), (*end).to_owned())).collect();
        assert_eq!(self.results(), results);
    }
}
