//! A scenario: a simulated brand, an instance of the connector, and steps.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use privacy_contract::{
    Attempts, CallResult, DeletionMode, Error, Identifier, Progress, Request, Right, Setting, Stage, Task,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::host::{Host, Instance};
use crate::pattern::mismatch;
use crate::simulated_brand::SimulatedBrand;

/// A step with `follow` fails after this many polls.
const MAX_POLLS: usize = 100;

/// A file of `host-test/vectors/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// A short description for readers.
    #[serde(rename = "about")]
    pub _about: String,
    pub simulator: Value,
    pub settings: Option<Value>,
    pub request: Option<Value>,
    pub steps: Vec<Value>,
}

/// A step of a scenario.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    pub change: Option<Value>,
    pub seen: Option<Value>,
    pub instance: Option<String>,
    pub call: Option<String>,
    pub settings: Option<Value>,
    pub rights: Vec<Right>,
    pub request: Option<Value>,
    pub requests: Option<Vec<Value>>,
    pub mode: Option<DeletionMode>,
    pub ticket: Option<String>,
    pub tasks: Option<Vec<TaskTemplate>>,
    pub reference: Option<String>,
    pub offset: u64,
    pub limit: u32,
    pub follow: bool,
    pub stages: Option<Vec<Stage>>,
    pub expect: Option<Value>,
    pub remember: BTreeMap<String, String>,
}

/// A task in the notation of scenarios.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskTemplate {
    ticket: String,
    request: Option<Value>,
}

/// A request in the notation of scenarios.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RequestTemplate {
    id: String,
    subject: Vec<Identifier>,
    attempts: Option<Attempts>,
    attempts_ago: Option<Value>,
    #[serde(default)]
    overrides: Vec<String>,
}

/// A running scenario.
struct Runner<'a, H: Host> {
    brand: SimulatedBrand,
    host: &'a H,
    instance: H::Instance,
    settings: Option<Value>,
    request: Option<Value>,
    placeholders: BTreeMap<String, String>,
}

/// Runs a scenario.
///
/// # Errors
/// The first difference between the results and the expectations of the scenario.
pub async fn run<H: Host>(control: &str, host: &H, vector: &Value) -> Result<(), String> {
    let Vector { simulator, settings, request, steps, _about } =
        Vector::deserialize(vector).map_err(|error| error.to_string())?;
    let (brand, placeholders) = SimulatedBrand::create(control, &simulator).await?;
    let settings = settings.map(|settings| fill(&settings, &placeholders));
    let request = request.map(|request| fill(&request, &placeholders));
    let instance = new_instance(host, &placeholders["origin"], settings.as_ref()).await?;
    let mut runner = Runner { brand, host, instance, settings, request, placeholders };
    for (number, step) in (1..).zip(&steps) {
        runner.run_step(step).await.map_err(|reason| format!("step {number}: {reason}"))?;
    }
    runner.brand.delete().await
}

async fn new_instance<H: Host>(host: &H, origin: &str, settings: Option<&Value>) -> Result<H::Instance, String> {
    let mut instance = host.instantiate(origin).await?;
    if let Some(settings) = settings {
        let configured = instance.configure(&parse_settings(settings)?).await?;
        configured.map_err(|error| format!("the settings are rejected: {}", error.message))?;
    }
    Ok(instance)
}

impl<H: Host> Runner<'_, H> {
    async fn run_step(&mut self, step: &Value) -> Result<(), String> {
        let step = Step::deserialize(fill(step, &self.placeholders)).map_err(|error| error.to_string())?;
        match &step {
            Step { change: Some(change), call: None, seen: None, instance: None, .. } => {
                self.brand.change(change).await
            }
            Step { seen: Some(pattern), change: None, call: None, instance: None, .. } => {
                expect(pattern, &self.brand.seen().await?)
            }
            Step { instance: Some(kind), change: None, call: None, seen: None, .. } if kind == "new" => {
                let origin = &self.placeholders["origin"];
                self.instance = new_instance(self.host, origin, self.settings.as_ref()).await?;
                Ok(())
            }
            Step { call: Some(function), expect: Some(pattern), change: None, seen: None, instance: None, .. } => {
                self.run_call(function, pattern, &step).await
            }
            _ => Err("a step is one of change, seen, instance, and call with expect".to_owned()),
        }
    }

    async fn run_call(&mut self, function: &str, pattern: &Value, step: &Step) -> Result<(), String> {
        let mut stages = Vec::new();
        let result = self.call(function, step, &mut stages).await?;
        expect(pattern, &result)?;
        if let Some(expected) = &step.stages
            && *expected != stages
        {
            return Err(format!("the stages are {stages:?} instead of {expected:?}"));
        }
        for (name, pointer) in &step.remember {
            let value = result.pointer(pointer).and_then(Value::as_str);
            let value = value.ok_or_else(|| format!("there is no string at {pointer} of {result:#}"))?;
            self.placeholders.insert(name.clone(), value.to_owned());
        }
        Ok(())
    }

    async fn call(&mut self, function: &str, step: &Step, stages: &mut Vec<Stage>) -> Result<Value, String> {
        match function {
            "describe" => self.instance.describe().await.map(|manifest| to_json(&manifest)),
            "configure" => {
                let settings = parse_settings(step.settings.as_ref().ok_or("settings are missing")?)?;
                to_json_result(self.instance.configure(&settings).await)
            }
            "check" => to_json_result(self.instance.check(&step.rights).await),
            "access" | "delete" | "opt-out" => self.start(function, step, stages).await,
            "poll" => match &step.tasks {
                Some(tasks) => self.poll_tasks(tasks).await,
                None => {
                    let request = self.request(step.request.as_ref())?;
                    let ticket = step.ticket.clone().ok_or("a ticket is missing")?;
                    let result = self.poll(&request, ticket).await?;
                    self.follow(step, &request, result, stages).await
                }
            },
            "read" => {
                let reference = step.reference.as_ref().ok_or("a reference is missing")?;
                to_json_result(self.instance.read(reference, step.offset, step.limit).await)
            }
            "read-all" => self.read_all(step).await,
            other => Err(format!("there is no function {other}")),
        }
    }

    /// Calls a function that takes requests. With `requests`, the result is the list, otherwise its one element.
    async fn start(&mut self, function: &str, step: &Step, stages: &mut Vec<Stage>) -> Result<Value, String> {
        let requests = match &step.requests {
            Some(_) if step.follow || step.stages.is_some() => {
                return Err("only a single request can be followed".to_owned());
            }
            Some(requests) => requests.iter().map(|request| self.request(Some(request))).collect::<Result<_, _>>()?,
            None => vec![self.request(step.request.as_ref())?],
        };
        let results = match (function, step.mode) {
            ("access", None) => self.instance.access(&requests).await,
            ("delete", Some(mode)) => self.instance.delete(&requests, mode).await,
            ("opt-out", None) => self.instance.opt_out(&requests).await,
            _ => return Err("delete takes a mode, the other functions do not".to_owned()),
        };
        let mut results = results?;
        if step.requests.is_some() {
            return Ok(to_json_list(results));
        }
        self.follow(step, &requests[0], results.remove(0), stages).await
    }

    async fn poll(&mut self, request: &Request, ticket: String) -> Result<Result<Progress, Error>, String> {
        let mut results = self.instance.poll(&[Task::new(request.clone(), ticket)]).await?;
        Ok(results.remove(0))
    }

    async fn poll_tasks(&mut self, templates: &[TaskTemplate]) -> Result<Value, String> {
        let mut tasks = Vec::new();
        for TaskTemplate { ticket, request } in templates {
            tasks.push(Task::new(self.request(request.as_ref())?, ticket));
        }
        self.instance.poll(&tasks).await.map(to_json_list)
    }

    /// If the step has `follow`, polls the request to its final result and collects its stages.
    async fn follow(
        &mut self,
        step: &Step,
        request: &Request,
        mut result: Result<Progress, Error>,
        stages: &mut Vec<Stage>,
    ) -> Result<Value, String> {
        for _ in 0..MAX_POLLS {
            let Ok(Progress::Pending(pending)) = &result else { break };
            if !step.follow {
                break;
            }
            if stages.last() != Some(&pending.stage) {
                stages.push(pending.stage);
            }
            let delay = Duration::from_millis(pending.poll_after_ms);
            self.brand.change(&json!({ "advance": delay.as_secs_f64() })).await?;
            result = self.poll(request, pending.ticket.clone()).await?;
        }
        if step.follow && matches!(&result, Ok(Progress::Pending(_))) {
            return Err(format!("still pending after {MAX_POLLS} polls: {result:?}"));
        }
        Ok(to_json(&CallResult::from(result)))
    }

    async fn read_all(&mut self, step: &Step) -> Result<Value, String> {
        let reference = step.reference.as_ref().ok_or("a reference is missing")?;
        let mut bytes = Vec::new();
        loop {
            match self.instance.read(reference, bytes.len() as u64, step.limit).await? {
                Ok(chunk) => {
                    bytes.extend(&chunk.bytes);
                    if chunk.last {
                        let text = String::from_utf8_lossy(&bytes);
                        return Ok(json!({ "ok": { "text": text, "size": bytes.len() } }));
                    }
                }
                Err(error) => return Ok(json!({ "error": to_json(&error) })),
            }
        }
    }

    /// The request of the step, or else that of the scenario.
    fn request(&self, own: Option<&Value>) -> Result<Request, String> {
        let template = own.or(self.request.as_ref()).ok_or("a request is missing")?;
        let template = RequestTemplate::deserialize(template).map_err(|error| error.to_string())?;
        let attempts = match &template.attempts_ago {
            Some(ago) => Some(parse_attempts_ago(ago)?),
            None => template.attempts,
        };
        Ok(Request { id: template.id, subject: template.subject, attempts, overrides: template.overrides })
    }
}

/// Parses `attempts-ago`: seconds before now, by the clock of this machine, for both times or as `[first, last]`.
fn parse_attempts_ago(ago: &Value) -> Result<Attempts, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let at = |ago: &Value| ago.as_u64().map(|ago| now - ago);
    let times = match ago {
        Value::Array(times) if times.len() == 2 => at(&times[0]).zip(at(&times[1])),
        time => at(time).map(|at| (at, at)),
    };
    let (first_at, last_at) = times.ok_or("attempts-ago must be a number of seconds, or a list of two")?;
    Ok(Attempts { first_at, last_at })
}

fn parse_settings(members: &Value) -> Result<Vec<Setting>, String> {
    let members = BTreeMap::<String, String>::deserialize(members).map_err(|error| error.to_string())?;
    Ok(members.into_iter().map(|(key, value)| Setting::new(key, value)).collect())
}

fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("values of the contract are JSON")
}

fn to_json_result<T: Serialize>(result: Result<Result<T, Error>, String>) -> Result<Value, String> {
    result.map(|result| to_json(&CallResult::from(result)))
}

fn to_json_list(results: Vec<Result<Progress, Error>>) -> Value {
    results.into_iter().map(|result| to_json(&CallResult::from(result))).collect()
}

/// Replaces all placeholders in a value.
fn fill(value: &Value, placeholders: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let replace = |text: String, (name, with): (&String, &String)| text.replace(&format!("{{{name}}}"), with);
            placeholders.iter().fold(text.clone(), replace).into()
        }
        Value::Array(elements) => elements.iter().map(|element| fill(element, placeholders)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), fill(value, placeholders))).collect(),
        other => other.clone(),
    }
}

fn expect(pattern: &Value, value: &Value) -> Result<(), String> {
    match mismatch(pattern, value) {
        None => Ok(()),
        Some(difference) => Err(format!("{difference}\nwhole value: {value:#}")),
    }
}
