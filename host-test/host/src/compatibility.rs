//! Hosts and connectors of different releases of one 0.N work together.
//!
//! Within a 0.N, the interface `connector` does not change; a release adds new interfaces. wasmtime accepts an export of every
//! version of the same 0.N.

#[path = "../../component/build/compose.rs"]
mod compose;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasm_metadata::Payload as Part;
use wasmparser::{ExternalKind, Parser, Payload};
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use qualtrics_component::{CONNECTOR, GATEWAY};
use qualtrics_simulator::{self as simulator, Brand, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator};

use crate::contract::{Error, Identifier, Outcome, Progress, Report, Request, Setting, Task};
use crate::imports;
use crate::outbound::{Network, Outbound};
use crate::state::State;
use crate::{EgressPolicy, Host, HostError, InstanceOptions, Options};

const OLD: &str = "privacy:connector/connector@0.2.0";
const NEWER: &str = "privacy:connector/connector@0.2.1";

/// The interface that the newer release adds.
const ADDITION: &str = "
    interface addition {
      use connector.{manifest};
      describe-again: func() -> manifest;
    }

    world plugin-with-addition {
      include plugin;
      export addition;
    }";

/// The connector of the next release of its 0.N: it exports the same interface, and one more.
fn newer_connector() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"));
    for package in ["io", "clocks", "http"] {
        resolve.push_dir(wit.join("deps").join(package)).unwrap();
    }
    let contract = std::fs::read_to_string(wit.join("connector.wit")).unwrap();
    let contract = contract.replace("package privacy:connector@0.2.0;", "package privacy:connector@0.2.1;");
    let package = resolve.push_str("connector.wit", &[&contract, ADDITION].concat()).unwrap();
    let world = resolve.select_world(&[package], Some("plugin-with-addition")).unwrap();
    let mut module = newer_module(core_module(CONNECTOR));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// The connector's own module. Its component contains three.
fn core_module(component: &[u8]) -> &[u8] {
    let module = Parser::new(0).parse_all(component).find_map(|part| match part.unwrap() {
        Payload::ModuleSection { unchecked_range, .. } => Some(&component[unchecked_range]),
        _ => None,
    });
    module.unwrap()
}

/// The module with the exports of the newer release. `describe-again` is the function `describe`.
fn newer_module(module: &[u8]) -> Vec<u8> {
    let mut newer = Module::new();
    for part in Parser::new(0).parse_all(module) {
        let part = part.unwrap();
        if let Payload::ExportSection(exports) = part {
            let mut section = ExportSection::new();
            for export in exports {
                let export = export.unwrap();
                let kind = match export.kind {
                    ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
                    ExternalKind::Table => ExportKind::Table,
                    ExternalKind::Memory => ExportKind::Memory,
                    ExternalKind::Global => ExportKind::Global,
                    ExternalKind::Tag => ExportKind::Tag,
                };
                section.export(&export.name.replace(OLD, NEWER), kind, export.index);
                if export.name == format!("{OLD}#describe") {
                    section.export("privacy:connector/addition@0.2.1#describe-again", kind, export.index);
                }
            }
            newer.section(&section);
        } else if let Some((id, range)) = part.as_section() {
            newer.section(&RawSection { id, data: &module[range] });
        }
    }
    newer.finish()
}

fn host() -> Host {
    Host::new(Options { max_instances: 4, ..Options::default() }).unwrap()
}

async fn brand() -> Simulator {
    Simulator::start(Brand::sample(), simulator::Options::default()).await.unwrap()
}

fn settings(brand: &Simulator) -> Vec<Setting> {
    let origin = brand.origin();
    let settings = [
        ("datacenter-id", "fra1"),
        ("client-id", SAMPLE_CLIENT_ID),
        ("client-secret", SAMPLE_CLIENT_SECRET),
        ("base-url", origin.as_str()),
    ];
    settings.map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() }).into()
}

fn options(brand: &Simulator) -> InstanceOptions {
    let egress = EgressPolicy::deny_all().allow(&brand.origin()).unwrap();
    InstanceOptions { egress, clock: brand.clock(), ..InstanceOptions::default() }
}

fn request() -> Request {
    Request::new("dsr-1", [Identifier::email(SAMPLE_PERSON)])
}

/// Polls a request to its report.
async fn followed(brand: &Simulator, started: Progress, mut poll: impl AsyncFnMut(&[Task]) -> Progress) -> Report {
    let mut progress = started;
    for _ in 0..50 {
        match progress {
            Progress::Done(report) => return report,
            Progress::Pending(pending) => {
                brand.advance(Duration::from_millis(pending.poll_after_ms));
                progress = poll(&[Task { request: request(), ticket: pending.ticket }]).await;
            }
        }
    }
    panic!("no report after 50 polls");
}

#[tokio::test]
async fn a_newer_connector_of_the_same_0_n_serves_an_old_host() {
    let (host, connector) = (host(), newer_connector());
    let component = Component::new(host.engine(), &connector).unwrap();
    let exports: Vec<_> = component.component_type().exports(host.engine()).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(exports, [NEWER, "privacy:connector/addition@0.2.1"]);

    let brand = brand().await;
    let mut instance = host.load(&connector).unwrap().instantiate(options(&brand)).await.unwrap();
    assert_eq!(instance.describe().await.unwrap().name, "qualtrics");
    instance.configure(&settings(&brand)).await.unwrap().unwrap();
    let started = instance.access(&[request()]).await.unwrap().remove(0).unwrap();
    let poll = async |tasks: &[Task]| instance.poll(tasks).await.unwrap().remove(0).unwrap();
    let report = followed(&brand, started, poll).await;
    assert_eq!(report.outcome, Outcome::Found);
    assert!(!report.documents.is_empty());
}

/// A host of the next release of the contract, with the calls that its bindings would make.
struct NewerHost {
    store: Store<State>,
    instance: Instance,
    interface: ComponentExportIndex,
}

impl NewerHost {
    async fn load(host: &Host, connector: &[u8], options: InstanceOptions) -> Self {
        let component = Component::new(host.engine(), connector).unwrap();
        let limits = Options::default();
        let outbound = Arc::new(Outbound::new(&Network::new(&limits).unwrap()));
        let mut store = State::store(host.engine(), options, &limits, outbound);
        let linker = imports::linker(host.engine()).unwrap();
        let instance = linker.instantiate_pre(&component).unwrap().instantiate_async(&mut store).await.unwrap();
        let interface = instance.get_export_index(&mut store, None, NEWER).unwrap();
        Self { store, instance, interface }
    }

    /// Calls a function of the interface, which must have this type.
    async fn call<P, R>(&mut self, function: &str, parameters: P) -> R
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let index = self.instance.get_export_index(&mut self.store, Some(&self.interface), function).unwrap();
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, index).unwrap();
        function.call_async(&mut self.store, parameters).await.unwrap()
    }
}

#[tokio::test]
async fn a_newer_host_of_the_same_0_n_runs_an_old_connector() {
    let (host, brand) = (host(), brand().await);
    let mut newer = NewerHost::load(&host, CONNECTOR, options(&brand)).await;
    // The added interface is missing, which the host can detect.
    assert!(newer.instance.get_export_index(&mut newer.store, None, "privacy:connector/addition@0.2.1").is_none());

    let (configured,): (Result<(), Error>,) = newer.call("configure", (settings(&brand).as_slice(),)).await;
    configured.unwrap();
    let requests = [request()];
    let (mut started,): (Vec<Result<Progress, Error>>,) = newer.call("access", (requests.as_slice(),)).await;
    let poll = async |tasks: &[Task]| {
        let (mut results,): (Vec<Result<Progress, Error>>,) = newer.call("poll", (tasks,)).await;
        results.remove(0).unwrap()
    };
    let report = followed(&brand, started.remove(0).unwrap(), poll).await;
    assert_eq!(report.outcome, Outcome::Found);
    assert!(!report.documents.is_empty());
}

#[test]
fn a_connector_of_another_0_n_is_not_loaded() {
    let (old, other) = (OLD.as_bytes(), b"privacy:connector/connector@0.3.0");
    let mut connector = CONNECTOR.to_vec();
    let places: Vec<_> = (0..connector.len() - old.len()).filter(|&at| connector[at..].starts_with(old)).collect();
    assert!(!places.is_empty());
    for at in places {
        connector[at..at + old.len()].copy_from_slice(other);
    }
    assert!(Component::new(host().engine(), &connector).is_ok());
    assert!(matches!(host().load(&connector), Err(HostError::Unfit(_))));
}

/// The gateway without the connector, from the composed file.
fn gateway() -> &'static [u8] {
    let Part::Component { children, .. } = Part::from_binary(GATEWAY).unwrap() else { panic!("a component") };
    let named = children.iter().find(|part| part.metadata().name.as_deref() == Some("gateway"));
    let range = named.unwrap().metadata().range.clone();
    &GATEWAY[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

#[tokio::test]
async fn an_old_gateway_is_composed_with_a_newer_connector() {
    let connector = newer_connector();
    let composed = compose::compose(("connector", &connector), ("gateway", gateway())).unwrap();
    let host = Host::new(Options { max_instances: 4, max_components: 2, ..Options::default() }).unwrap();
    let gateway = host.load_gateway(&composed).unwrap();
    assert!(gateway.imports().iter().all(|import| import.starts_with("wasi:")), "{:?}", gateway.imports());

    let sum: String = Sha256::digest("a token").iter().map(|byte| format!("{byte:02x}")).collect();
    let environment = [("GATEWAY_TOKEN_SHA256".to_owned(), sum)].into_iter().collect();
    let service = gateway.service(InstanceOptions { environment, ..InstanceOptions::default() });
    let request = http::Request::get("/manifest").header("host", "gateway.example");
    let request = request.header("authorization", "Bearer a token").body(Full::new(Bytes::new())).unwrap();
    let response = service.respond(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let manifest = response.into_body().collect().await.unwrap().to_bytes();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["name"], "qualtrics");
}
