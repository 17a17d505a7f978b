//! A simulated brand as data: what it holds, how it changes, and what was observed.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use simulated_clock::Clock;

use crate::qualtrics::dialects::{DialectError, Dialects};
use crate::qualtrics::sample::{SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SCOPES};
use crate::qualtrics::{Brand, Endpoint, FaultRule, Holdings, JobEnd, JobStatus, Person};
use crate::simulator::{Options, Simulator};

/// The most that one change advances the clock.
const MAX_ADVANCE: Duration = Duration::from_secs(100 * 366 * 24 * 3_600);

/// A brand, and how it behaves. A missing member has its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// The data of the brand.
    pub brand: ScenarioBrand,
    /// The names of dialects, at most one of each axis.
    pub dialects: Vec<String>,
    /// The duration of an erasure job, in seconds.
    pub erasure_s: u64,
    /// The duration of a customer data request, in seconds.
    pub export_s: u64,
    /// The lifetime of an access token, in seconds.
    pub token_s: u64,
    /// Whether rate limits are enforced.
    pub rate_limits: bool,
    /// The real time that passes before each response, in milliseconds.
    pub latency_ms: u64,
    /// Whether the simulator is another data centre than that of the brand.
    pub wrong_datacenter: bool,
}

/// The data of a brand.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScenarioBrand {
    /// The addresses of brand administrators.
    pub administrators: Vec<String>,
    /// The addresses of other users.
    pub staff: Vec<String>,
    /// The address of the user for whom the OAuth client makes calls. `None` is the first administrator.
    pub acts_as: Option<String>,
    /// The scopes that the OAuth client is granted.
    pub scopes: Vec<String>,
    /// The IDs of directories.
    pub directories: Vec<String>,
    /// The IDs of XMD Lite directories, which do not support searches.
    pub lite_directories: Vec<String>,
    /// The data subjects.
    pub people: Vec<ScenarioPerson>,
    /// The number of completed erasures before the start of the simulator.
    pub past_erasures: u32,
}

/// A person, and the directories in which the person has contacts. In JSON, one object has the members of both.
#[derive(Clone, Debug, Default)]
pub struct ScenarioPerson {
    /// The person.
    pub person: Person,
    /// The IDs of the directories. `None` is all directories that support searches.
    pub directories: Option<Vec<String>>,
}

/// A change to a brand that is being called.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Advances the clock by this number of seconds.
    Advance(f64),
    /// Replaces all fault rules. Counting starts again.
    Faults(Vec<FaultRule>),
    /// Sets how the jobs end that are submitted from now on.
    NextJobs(JobEnd),
    /// Adds persons.
    People(Vec<ScenarioPerson>),
    /// Replaces the scopes that the OAuth client is granted. Applies to new tokens.
    Scopes(Vec<String>),
    /// Deletes all erasures and customer data requests.
    ForgetJobs,
    /// Revokes all access tokens.
    RevokeTokens,
    /// Refuses new connections.
    Shut,
    /// Accepts connections again.
    OpenUp,
}

/// What is observed of a brand, for assertions.
#[derive(Clone, Debug, Serialize)]
pub struct Observations {
    /// The number of calls by endpoint.
    calls: BTreeMap<Endpoint, usize>,
    erasures: Vec<ObservedErasure>,
    exports: Vec<ObservedExport>,
    /// By address.
    holdings: BTreeMap<String, Holdings>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ObservedErasure {
    emails: Vec<String>,
    search_only: bool,
    status: JobStatus,
}

#[derive(Clone, Debug, Serialize)]
struct ObservedExport {
    emails: Vec<String>,
    status: JobStatus,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            brand: ScenarioBrand::default(),
            dialects: Vec::new(),
            // At the poll interval of a new request, the first poll finds the job in progress, and the second finds it completed.
            erasure_s: 40,
            export_s: 40,
            token_s: 3_600,
            rate_limits: true,
            latency_ms: 0,
            wrong_datacenter: false,
        }
    }
}

impl Default for ScenarioBrand {
    fn default() -> Self {
        Self {
            administrators: vec![SAMPLE_ADMINISTRATOR.to_owned()],
            staff: Vec::new(),
            acts_as: None,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            directories: vec!["POOL_customers".to_owned()],
            lite_directories: Vec::new(),
            people: Vec::new(),
            past_erasures: 0,
        }
    }
}

impl Scenario {
    /// Starts the brand on a free port. Its clock is simulated and starts at the present second of the system clock.
    ///
    /// # Errors
    /// A sentence: the scenario is inconsistent, or there is no free port.
    pub async fn start(self) -> Result<Simulator, String> {
        let options = Options {
            clock: Clock::simulated(Clock::system().since_epoch().as_secs()),
            dialects: Dialects::parse(&self.dialects.join(",")).map_err(|error: DialectError| error.to_string())?,
            erasure_duration: Duration::from_secs(self.erasure_s),
            export_duration: Duration::from_secs(self.export_s),
            token_lifetime: Duration::from_secs(self.token_s),
            rate_limits: self.rate_limits,
            latency: Duration::from_millis(self.latency_ms),
            wrong_datacenter: self.wrong_datacenter,
            ..Options::default()
        };
        let brand = self.brand.build()?;
        Simulator::start(brand, options).await.map_err(|error: io::Error| error.to_string())
    }
}

impl ScenarioBrand {
    fn build(&self) -> Result<Brand, String> {
        let mut brand = Brand::new("examplebrand", "fra1").past_erasures(self.past_erasures);
        let administrators = self.administrators.iter().map(|address| (address, true));
        for (address, administrator) in administrators.chain(self.staff.iter().map(|address| (address, false))) {
            let id = format!("UR_{:015}", brand.users.len() + 1);
            brand = brand.user(&id, address, "A", "User", administrator);
        }
        let acts_as = self.acts_as.as_ref().or(self.administrators.first());
        let user = brand.users.iter().find(|user| Some(&user.email) == acts_as).map(|user| user.id.clone());
        let user = user.ok_or("the client acts as nobody: `acts-as` must be the address of a user of the brand")?;
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        brand = brand.client(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &scopes, &user);
        for id in &self.directories {
            brand = brand.directory(id, id);
        }
        for id in &self.lite_directories {
            brand = brand.lite_directory(id, id);
        }
        self.people.iter().try_fold(brand, |brand, person| person.add_to(brand))
    }
}

impl<'de> Deserialize<'de> for ScenarioPerson {
    /// `flatten` does not support `deny_unknown_fields`, so that `directories` is taken out first.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let directories = members.remove("directories").unwrap_or_default();
        let directories = serde_json::from_value(directories).map_err(D::Error::custom)?;
        let person = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { person, directories })
    }
}

impl ScenarioPerson {
    /// The brand with this person.
    fn add_to(&self, brand: Brand) -> Result<Brand, String> {
        let all = || brand.directories.iter().filter(|directory| !directory.lite).map(|directory| directory.id.clone());
        let ids = self.directories.clone().unwrap_or_else(|| all().collect());
        if let Some(unknown) = ids.iter().find(|id| !brand.directories.iter().any(|known| known.id == **id)) {
            return Err(format!("there is no directory {unknown}"));
        }
        Ok(brand.person(&self.person, &ids.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

impl Change {
    /// Applies the change.
    ///
    /// # Errors
    /// A sentence: the change is invalid for the brand, which is unchanged.
    pub async fn apply(self, simulator: &Simulator) -> Result<(), String> {
        match self {
            Self::Advance(seconds) => {
                let by = Duration::try_from_secs_f64(seconds).ok().filter(|by| *by <= MAX_ADVANCE);
                simulator.advance(by.ok_or("the clock moves on by 0 seconds to a hundred years")?);
            }
            Self::Faults(rules) => simulator.set_faults(rules),
            Self::NextJobs(end) => simulator.set_next_jobs(end),
            Self::People(people) => simulator.with_brand(|brand| {
                let changed = people.iter().try_fold(brand.clone(), |brand, person| person.add_to(brand))?;
                *brand = changed;
                Ok::<(), String>(())
            })?,
            Self::Scopes(scopes) => simulator.with_brand(|brand| {
                for client in &mut brand.clients {
                    client.scopes.clone_from(&scopes);
                }
            }),
            Self::ForgetJobs => simulator.forget_jobs(),
            Self::RevokeTokens => simulator.revoke_tokens(),
            Self::Shut => simulator.refuse_connections().await,
            Self::OpenUp => simulator.accept_connections().await,
        }
        Ok(())
    }
}

impl Observations {
    /// Observes the simulator now. The observations contain the holdings of these addresses.
    #[must_use]
    pub fn of(simulator: &Simulator, addresses: impl IntoIterator<Item = String>) -> Self {
        let mut calls: BTreeMap<Endpoint, usize> = Endpoint::ALL.map(|endpoint| (endpoint, 0)).into();
        for call in simulator.calls() {
            *calls.entry(call.endpoint).or_default() += 1;
        }
        let erasures = simulator.erasures().into_iter().map(|job| ObservedErasure {
            emails: job.emails,
            search_only: job.search_only,
            status: job.status,
        });
        let exports = simulator.exports().into_iter();
        let exports = exports.map(|job| ObservedExport { emails: job.emails, status: job.status });
        let holdings = addresses.into_iter().map(|address| (address.clone(), simulator.holdings(&address)));
        Self { calls, erasures: erasures.collect(), exports: exports.collect(), holdings: holdings.collect() }
    }
}
