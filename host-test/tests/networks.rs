//! The command line and a brand that requires mutual TLS. `.ci/networks` runs the command line behind a real proxy.

use std::path::PathBuf;
use std::process::{Command, Output};

use qualtrics_simulator::{
    Authority, Brand, Identity, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator, Tls, Validity,
};
use serde_json::Value;
use simulated_clock::Clock;

/// A brand that requires certificates of this authority, and a directory for files.
struct MutualTls {
    simulator: Simulator,
    clients: Authority,
    directory: PathBuf,
}

impl MutualTls {
    async fn new(name: &str) -> Self {
        let (servers, clients) = (Authority::new("servers").unwrap(), Authority::new("clients").unwrap());
        let server = servers.issue("server", &["127.0.0.1"], Validity::Valid).unwrap();
        let tls = Tls::new(&server, Some(clients.certificate())).unwrap();
        let options = Options { tls: Some(tls), clock: Clock::system(), ..Options::default() };
        let simulator = Simulator::start(Brand::sample(), options).await.unwrap();
        let directory = std::env::temp_dir().join(format!("host-test-networks-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("roots.pem"), servers.certificate()).unwrap();
        Self { simulator, clients, directory }
    }

    fn client(&self, validity: Validity) -> Identity {
        self.clients.issue("client", &[], validity).unwrap()
    }

    fn check(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_privacy"));
        command
            .args(["check", "--verbose", "--json", "--datacenter-id", "fra1", "--client-id", SAMPLE_CLIENT_ID])
            .args(["--base-url", &self.simulator.origin(), "--ca-certificate"])
            .arg(self.directory.join("roots.pem"))
            .env("CONNECTOR_CLIENT_SECRET", SAMPLE_CLIENT_SECRET)
            .env("NO_PROXY", "*");
        command
    }

    /// Checks the connection with this certificate and this key, which must not be printed.
    async fn check_with(&self, certificate: &str, key: &str) -> Output {
        let mut command = self.check();
        for (option, file, pem) in
            [("--client-certificate", "client.pem", certificate), ("--client-key", "client.key", key)]
        {
            let path = self.directory.join(file);
            std::fs::write(&path, pem).unwrap();
            command.arg(option).arg(path);
        }
        let output = output(command).await;
        let printed = text(&output);
        let line = key.lines().find(|line| line.len() > 20 && !line.starts_with('-')).unwrap();
        assert!(!printed.contains(line), "{printed}");
        output
    }
}

impl Drop for MutualTls {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_usage_error(output: &Output, message: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", text(output));
    let failure: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = failure["failure"]["message"].as_str().unwrap();
    assert!(found.contains("--client-certificate") && found.contains("--client-key"), "{found}");
    assert!(found.contains(message), "{found}");
}

#[tokio::test]
async fn a_brand_with_mutual_tls_is_reached_with_its_client_certificate() {
    let brand = MutualTls::new("right").await;
    let right = brand.client(Validity::Valid);
    let checked = brand.check_with(&right.certificate, &right.key).await;
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let mut command = brand.check();
    command.env("PRIVACY_CLIENT_CERTIFICATE", &right.certificate).env("PRIVACY_CLIENT_KEY", &right.key);
    let checked = output(command).await;
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
}

#[tokio::test]
async fn a_missing_or_wrong_client_certificate_is_an_error_that_names_mutual_tls() {
    let brand = MutualTls::new("wrong").await;
    let wrong = Authority::new("others").unwrap().issue("client", &[], Validity::Valid).unwrap();
    for checked in [output(brand.check()).await, brand.check_with(&wrong.certificate, &wrong.key).await] {
        assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
        let printed: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let error = &printed["error"];
        assert_eq!((&error["kind"], &error["remedy"]), (&"unavailable".into(), &"operator".into()), "{error}");
        assert!(error["message"].as_str().unwrap().contains("client certificate (mutual TLS)"), "{error}");
    }
    assert_eq!(brand.simulator.calls().len(), 0);
}

#[tokio::test]
async fn an_unusable_client_certificate_is_refused_before_anything_is_sent() {
    let brand = MutualTls::new("unusable").await;
    let (valid, other, expired) =
        (brand.client(Validity::Valid), brand.client(Validity::Valid), brand.client(Validity::Expired));
    let refused = brand.check_with(&valid.certificate, &other.key).await;
    assert_usage_error(&refused, "the key does not belong to the certificate");
    let refused = brand.check_with(&expired.certificate, &expired.key).await;
    assert_usage_error(&refused, "the certificate expired on Thu, 31 Dec 2020");
    let encrypted = valid.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let refused = brand.check_with(&valid.certificate, &encrypted).await;
    assert_usage_error(&refused, "openssl pkey -in KEY");
    let mut command = brand.check();
    command.env("PRIVACY_CLIENT_KEY", &valid.key);
    assert_usage_error(&output(command).await, "one of the two is missing");
    assert_eq!(brand.simulator.calls().len(), 0);
}
