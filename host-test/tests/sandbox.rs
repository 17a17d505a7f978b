//! What the component can reach: seven interfaces, and through them nothing but the origins that its host permits.

use host_test::COMPONENT;
use host_test::host::contract::{ErrorKind, Remedy, Right, Setting};
use host_test::host::{EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin};

/// Every byte is loaded and reviewed by each customer: this only ever goes down, unless a reason stands here.
const MOST_BYTES: usize = 231_000;

fn plugin() -> Plugin {
    Host::new(Options { max_instances: 4, ..Options::default() }).unwrap().load(COMPONENT).unwrap()
}

async fn instance(egress: EgressPolicy) -> Instance {
    plugin().instantiate(InstanceOptions { egress, ..InstanceOptions::default() }).await.unwrap()
}

async fn configure(instance: &mut Instance) {
    let settings = [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", "secret")];
    let settings = settings.map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() });
    instance.configure(&settings).await.unwrap().unwrap();
}

#[test]
fn the_component_imports_http_two_clocks_and_streams_and_nothing_else() {
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
fn the_component_is_small() {
    assert!(COMPONENT.len() <= MOST_BYTES, "{} bytes", COMPONENT.len());
}

#[test]
fn the_component_says_nothing_of_the_machine_that_built_it() {
    let places =
        [Some(env!("CARGO_MANIFEST_DIR").to_owned()), std::env::var("CARGO_HOME").ok(), std::env::var("HOME").ok()];
    for place in places.into_iter().flatten().filter(|place| place.len() > 1) {
        let found = COMPONENT.windows(place.len()).any(|bytes| bytes == place.as_bytes());
        assert!(!found, "{place}");
    }
}

#[tokio::test]
async fn it_runs_in_a_host_that_offers_these_interfaces_alone_and_asks_for_one_domain() {
    let manifest = instance(EgressPolicy::deny_all()).await.describe().await.unwrap();
    assert_eq!(manifest.egress, ["https://*.qualtrics.com"]);
    let egress = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str)).unwrap();
    assert!(egress.permits(&"https://fra1.qualtrics.com/API/v3/whoami".parse().unwrap()));
}

#[tokio::test]
async fn where_no_origin_is_permitted_it_says_which_one_it_needs() {
    let mut instance = instance(EgressPolicy::deny_all()).await;
    configure(&mut instance).await;
    let error = instance.check(&[Right::Access]).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator));
    let egress: Vec<_> = error.problems.iter().filter(|problem| problem.code == "egress").collect();
    assert_eq!(egress.len(), 1, "{error:?}");
    assert_eq!(egress[0].subject, "https://fra1.qualtrics.com");
}
