//! The command `component`.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use qualtrics_component::{CONNECTOR, GATEWAY, GATEWAY_WASI_0_3, GUARDED};

use super::errors::CommandError;
use super::exit::Exit;

/// Which component to write, and where.
#[derive(Args)]
pub(super) struct ComponentOptions {
    /// The file to write; an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Composed with the egress guard, for hosts that cannot restrict the origins of requests themselves
    #[arg(long)]
    guarded: bool,
    /// As an HTTP service behind the egress guard, for runtimes that serve `wasi:http`
    #[arg(long, conflicts_with = "guarded")]
    gateway: bool,
    /// The version of `wasi:http` that the service exports
    #[arg(long, requires = "gateway", default_value = "0.2")]
    wasi: ServedWasi,
}

/// A version of `wasi:http` that runtimes serve.
#[derive(Clone, Copy, ValueEnum)]
enum ServedWasi {
    /// `wasi:http/incoming-handler@0.2.0`
    #[value(name = "0.2")]
    Version0_2,
    /// `wasi:http/handler@0.3.0`
    #[value(name = "0.3")]
    Version0_3,
}

impl ComponentOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let component = match (self.gateway, self.wasi) {
            (true, ServedWasi::Version0_2) => GATEWAY,
            (true, ServedWasi::Version0_3) => GATEWAY_WASI_0_3,
            (false, _) if self.guarded => GUARDED,
            (false, _) => CONNECTOR,
        };
        let written = File::create_new(&self.out).and_then(|mut file| file.write_all(component));
        written.map_err(|error| CommandError::usage(format!("{} cannot be written: {error}", self.out.display())))?;
        Ok(Exit::Done)
    }
}
