//! Runs the scenarios on the connector compiled natively, without WebAssembly. This takes seconds.

mod conversions;
mod transport;

use privacy_contract as contract;
use privacy_scenarios::host::{Host, Instance, Results};
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;
use qualtrics_simulator::Control;

use conversions::{to_guest, to_host};
use transport::{NativeTransport, SystemClock};

struct Native;

impl Host for Native {
    type Instance = NativeInstance;

    async fn instantiate(&self, _origin: &str) -> Result<NativeInstance, String> {
        let transport = Box::new(NativeTransport::new());
        Ok(NativeInstance(QualtricsConnector::new(transport, Box::new(SystemClock::new()))))
    }
}

struct NativeInstance(QualtricsConnector);

fn results(
    results: Vec<Result<qualtrics_connector::contract::Progress, qualtrics_connector::contract::Error>>,
) -> Results {
    to_host(results)
}

impl Instance for NativeInstance {
    async fn describe(&mut self) -> Result<contract::Manifest, String> {
        Ok(to_host(self.0.describe()))
    }

    async fn configure(&mut self, settings: &[contract::Setting]) -> Result<Result<(), contract::Error>, String> {
        Ok(to_host(self.0.configure(to_guest(settings.to_vec()))))
    }

    async fn check(
        &mut self,
        rights: &[contract::Right],
    ) -> Result<Result<contract::Connection, contract::Error>, String> {
        Ok(to_host(self.0.check(to_guest(rights.to_vec()))))
    }

    async fn access(&mut self, requests: &[contract::Request]) -> Result<Results, String> {
        Ok(results(self.0.access(to_guest(requests.to_vec()))))
    }

    async fn delete(
        &mut self,
        requests: &[contract::Request],
        mode: contract::DeletionMode,
    ) -> Result<Results, String> {
        Ok(results(self.0.delete(to_guest(requests.to_vec()), to_guest(mode))))
    }

    async fn opt_out(&mut self, requests: &[contract::Request]) -> Result<Results, String> {
        Ok(results(self.0.opt_out(to_guest(requests.to_vec()))))
    }

    async fn poll(&mut self, tasks: &[contract::Task]) -> Result<Results, String> {
        Ok(results(self.0.poll(to_guest(tasks.to_vec()))))
    }

    async fn read(
        &mut self,
        reference: &str,
        offset: u64,
        limit: u32,
    ) -> Result<Result<contract::Chunk, contract::Error>, String> {
        Ok(to_host(self.0.read(reference.to_owned(), offset, limit)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_passes_natively() {
    let control = Control::start(0).await.expect("a free port");
    let origin = control.origin().to_owned();
    let run = tokio::task::spawn_blocking(move || privacy_scenarios::run_all(&origin, &Native));
    let passed = run.await.expect("scenarios do not panic").expect("no scenario fails, see above");
    assert!(passed > 0);
}
