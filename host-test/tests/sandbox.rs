//! The sandbox of the component: it imports seven interfaces and reaches only the origins that its host permits.

use privacy_host::contract::{ErrorKind, Remedy, Right, Setting};
use privacy_host::{EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin};
use qualtrics_component::CONNECTOR;

/// The limit detects accidental growth, such as a dependency with formatting code or large tables. It is not a target for optimisation.
const MAX_BYTES: usize = 2_100_000;

fn plugin() -> Plugin {
    Host::new(Options { max_instances: 4, ..Options::default() }).unwrap().load(CONNECTOR).unwrap()
}

async fn instance(egress: EgressPolicy) -> Instance {
    plugin().instantiate(InstanceOptions { egress, ..InstanceOptions::default() }).await.unwrap()
}

async fn configure(instance: &mut Instance) {
    let settings = [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", "secret")];
    let settings = settings.map(|(key, value)| Setting::new(key, value));
    instance.configure(&settings).await.unwrap().unwrap();
}

#[test]
fn the_component_imports_http_clocks_and_streams_only() {
    assert_eq!(
        plugin().imports(),
        [
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:io/error@0.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:io/streams@0.2.0",
        ]
    );
}

#[test]
fn the_component_is_not_larger_than_expected() {
    assert!(CONNECTOR.len() <= MAX_BYTES, "{} bytes", CONNECTOR.len());
}

#[tokio::test]
async fn the_manifest_declares_the_vendor_domain_as_the_only_egress() {
    let manifest = instance(EgressPolicy::deny_all()).await.describe().await.unwrap();
    assert_eq!(manifest.egress, ["https://*.qualtrics.com"]);
    let egress = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str)).unwrap();
    assert!(egress.permits(&"https://fra1.qualtrics.com/API/v3/whoami".parse().unwrap()));
}

#[tokio::test]
async fn a_denied_origin_is_named_in_the_error() {
    let mut instance = instance(EgressPolicy::deny_all()).await;
    configure(&mut instance).await;
    let error = instance.check(&[Right::Access]).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator));
    let egress: Vec<_> = error.problems.iter().filter(|problem| problem.code == "egress").collect();
    assert_eq!(egress.len(), 1, "{error:?}");
    assert_eq!(egress[0].target, "https://fra1.qualtrics.com");
}
