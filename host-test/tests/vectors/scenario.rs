//! One scenario: a brand, an instance of the connector, and steps.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use host_test::host::contract::{Error, Progress, Request, Task};
use host_test::host::{EgressPolicy, Instance, InstanceOptions, Plugin};
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::canonical::{canonical, identifier, mode, right, settings};
use crate::pattern::mismatch;

/// After so many looks a request that is followed has no end.
const MOST_POLLS: usize = 100;

/// A file of `host-test/vectors/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    #[serde(rename = "about")]
    pub _about: String,
    pub simulator: Value,
    pub settings: Option<Value>,
    pub request: Option<Value>,
    pub steps: Vec<Value>,
}

/// What is done, and what is expected of it.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    pub change: Option<Value>,
    pub seen: Option<Value>,
    pub instance: Option<String>,
    pub call: Option<String>,
    pub settings: Option<Value>,
    pub rights: Vec<String>,
    pub request: Option<Value>,
    pub mode: Option<String>,
    pub ticket: Option<String>,
    pub tasks: Option<Vec<TaskAsked>>,
    pub reference: Option<String>,
    pub offset: u64,
    pub limit: u32,
    pub follow: bool,
    pub stages: Option<Vec<Value>>,
    pub expect: Option<Value>,
    pub remember: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskAsked {
    ticket: String,
    request: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RequestAsked {
    key: String,
    subject: Vec<Value>,
    first_attempt_at: Option<u64>,
    first_attempt_ago: Option<u64>,
    #[serde(default)]
    confirmed: Vec<String>,
}

/// The two sides of a scenario while it runs.
struct World<'a> {
    brand: Brand,
    plugin: &'a Plugin,
    instance: Instance,
    settings: Option<Value>,
    request: Option<Value>,
    names: BTreeMap<String, String>,
}

/// Runs a scenario to its end, or to the first thing that is not as it expects.
pub async fn run(control: &str, plugin: &Plugin, vector: &Value) -> Result<(), String> {
    let Vector { simulator, settings, request, steps, _about } =
        Vector::deserialize(vector).map_err(|error| error.to_string())?;
    let (brand, names) = Brand::order(control, &simulator).await?;
    let settings = settings.map(|settings| filled(&settings, &names));
    let request = request.map(|request| filled(&request, &names));
    let instance = instance(plugin, &names["origin"], settings.as_ref()).await?;
    let mut world = World { brand, plugin, instance, settings, request, names };
    for (number, step) in (1..).zip(&steps) {
        world.take(step).await.map_err(|reason| format!("step {number}: {reason}"))?;
    }
    world.brand.end().await
}

async fn instance(plugin: &Plugin, origin: &str, given: Option<&Value>) -> Result<Instance, String> {
    let egress = EgressPolicy::deny_all().allow(origin).map_err(|error| error.to_string())?;
    let options = InstanceOptions { egress, ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await.map_err(|error| error.to_string())?;
    if let Some(given) = given {
        let configured = instance.configure(&settings(given)).await.map_err(|error| error.to_string())?;
        configured.map_err(|error| format!("the settings are refused: {}", error.message))?;
    }
    Ok(instance)
}

impl World<'_> {
    async fn take(&mut self, step: &Value) -> Result<(), String> {
        let step = Step::deserialize(filled(step, &self.names)).map_err(|error| error.to_string())?;
        match &step {
            Step { change: Some(change), call: None, seen: None, instance: None, .. } => {
                self.brand.change(change).await
            }
            Step { seen: Some(pattern), change: None, call: None, instance: None, .. } => {
                told(pattern, &self.brand.seen().await?)
            }
            Step { instance: Some(word), change: None, call: None, seen: None, .. } if word == "new" => {
                self.instance = instance(self.plugin, &self.names["origin"], self.settings.as_ref()).await?;
                Ok(())
            }
            Step { call: Some(call), expect: Some(pattern), change: None, seen: None, instance: None, .. } => {
                let mut stages = Vec::new();
                let result = self.call(call, &step, &mut stages).await?;
                told(pattern, &result)?;
                if let Some(expected) = &step.stages
                    && *expected != stages
                {
                    return Err(format!("expected the stages {expected:?}, came {stages:?}"));
                }
                for (name, pointer) in &step.remember {
                    let value = result.pointer(pointer).and_then(Value::as_str);
                    let value = value.ok_or_else(|| format!("there is no text at {pointer} of {result:#}"))?;
                    self.names.insert(name.clone(), value.to_owned());
                }
                Ok(())
            }
            _ => Err("a step is one of change, seen, instance, and call with expect".to_owned()),
        }
    }

    async fn call(&mut self, name: &str, step: &Step, stages: &mut Vec<Value>) -> Result<Value, String> {
        let lost = |error: host_test::host::HostError| format!("no answer: {error}");
        let given = |argument: &Option<String>| argument.clone().ok_or("an argument is missing");
        Ok(match name {
            "describe" => canonical(&self.instance.describe().await.map_err(lost)?),
            "configure" => {
                let given = step.settings.as_ref().ok_or("an argument is missing")?;
                canonical(&self.instance.configure(&settings(given)).await.map_err(lost)?)
            }
            "check" => {
                let rights: Vec<_> = step.rights.iter().map(|word| right(word)).collect();
                canonical(&self.instance.check(&rights).await.map_err(lost)?)
            }
            "access" => {
                let request = self.request(step.request.as_ref())?;
                let begun = self.instance.access(&request).await.map_err(lost)?;
                canonical(&self.follow(step.follow, &request, begun, stages).await?)
            }
            "delete" => {
                let request = self.request(step.request.as_ref())?;
                let begun = self.instance.delete(&request, mode(&given(&step.mode)?)).await.map_err(lost)?;
                canonical(&self.follow(step.follow, &request, begun, stages).await?)
            }
            "poll" => match &step.tasks {
                None => {
                    let request = self.request(step.request.as_ref())?;
                    let begun = self.poll(&request, given(&step.ticket)?).await?;
                    canonical(&self.follow(step.follow, &request, begun, stages).await?)
                }
                Some(asked) => {
                    let mut tasks = Vec::new();
                    for TaskAsked { ticket, request } in asked {
                        tasks.push(Task { request: self.request(request.as_ref())?, ticket: ticket.clone() });
                    }
                    canonical(&self.instance.poll(&tasks).await.map_err(lost)?)
                }
            },
            "read" => {
                let reference = given(&step.reference)?;
                canonical(&self.instance.read(&reference, step.offset, step.limit).await.map_err(lost)?)
            }
            "read-all" => {
                let reference = given(&step.reference)?;
                let mut bytes = Vec::new();
                loop {
                    let offset = bytes.len() as u64;
                    match self.instance.read(&reference, offset, step.limit).await.map_err(lost)? {
                        Ok(chunk) => {
                            bytes.extend(chunk.bytes);
                            if chunk.last {
                                let text = String::from_utf8_lossy(&bytes);
                                break json!({ "ok": { "text": text, "size": bytes.len() } });
                            }
                        }
                        Err(error) => break json!({ "error": canonical(&error) }),
                    }
                }
            }
            other => return Err(format!("there is no call {other}")),
        })
    }

    async fn poll(&mut self, request: &Request, ticket: String) -> Result<Result<Progress, Error>, String> {
        let task = Task { request: request.clone(), ticket };
        let answers = self.instance.poll(&[task]).await.map_err(|error| format!("no answer: {error}"))?;
        let [answer] = <[_; 1]>::try_from(answers).map_err(|answers| format!("{} answers", answers.len()))?;
        Ok(answer)
    }

    /// Follows a request to its last word, if that is asked for, and notes the stages that it takes.
    async fn follow(
        &mut self,
        wanted: bool,
        request: &Request,
        mut progress: Result<Progress, Error>,
        stages: &mut Vec<Value>,
    ) -> Result<Result<Progress, Error>, String> {
        if !wanted {
            return Ok(progress);
        }
        for _ in 0..MOST_POLLS {
            let Ok(Progress::Pending(pending)) = &progress else { return Ok(progress) };
            let stage = canonical(&progress)["ok"]["pending"]["stage"].clone();
            if stages.last() != Some(&stage) {
                stages.push(stage);
            }
            let wait = Duration::from_millis(pending.poll_after_ms);
            self.brand.change(&json!({ "advance": wait.as_secs_f64() })).await?;
            progress = self.poll(request, pending.ticket.clone()).await?;
        }
        Err(format!("{MOST_POLLS} polls, and no last word: {:#}", canonical(&progress)))
    }

    fn request(&self, own: Option<&Value>) -> Result<Request, String> {
        let asked = own.or(self.request.as_ref()).ok_or("there is no request")?;
        let asked = RequestAsked::deserialize(asked).map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
        Ok(Request {
            key: asked.key,
            subject: asked.subject.iter().map(identifier).collect(),
            first_attempt_at: asked.first_attempt_at.or(asked.first_attempt_ago.map(|ago| now - ago)),
            confirmed: asked.confirmed,
            extra: Vec::new(),
        })
    }
}

/// The text with what the names stand for in their places.
fn filled(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let fill = |text: String, (name, with): (&String, &String)| text.replace(&format!("{{{name}}}"), with);
            names.iter().fold(text.clone(), fill).into()
        }
        Value::Array(elements) => elements.iter().map(|element| filled(element, names)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), filled(value, names))).collect(),
        other => other.clone(),
    }
}

fn told(pattern: &Value, value: &Value) -> Result<(), String> {
    match mismatch(pattern, value) {
        None => Ok(()),
        Some(difference) => Err(format!("{difference}\nwhole: {value:#}")),
    }
}

/// A simulated brand, by its control.
pub struct Brand {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

impl Brand {
    /// Starts one, and tells its names.
    pub async fn order(control: &str, simulator: &Value) -> Result<(Self, BTreeMap<String, String>), String> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut brand = Self { client, url: format!("{control}/scenarios") };
        let names: BTreeMap<String, String> = serde_json::from_value(brand.ask(Method::POST, Some(simulator)).await?)
            .map_err(|error| error.to_string())?;
        brand.url = format!("{control}{}", names["scenario"]);
        Ok((brand, names))
    }

    pub async fn change(&self, change: &Value) -> Result<(), String> {
        self.ask(Method::POST, Some(change)).await.map(drop)
    }

    pub async fn seen(&self) -> Result<Value, String> {
        self.ask(Method::GET, None).await
    }

    pub async fn end(&self) -> Result<(), String> {
        self.ask(Method::DELETE, None).await.map(drop)
    }

    pub async fn ask(&self, method: Method, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = hyper::Request::builder().method(method).uri(&self.url).body(Full::from(body));
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let answer = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&answer);
        if !status.is_success() {
            return Err(format!("the simulator's control answers {status}: {text}"));
        }
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|error| error.to_string()) }
    }
}
