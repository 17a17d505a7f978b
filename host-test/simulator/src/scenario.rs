//! A simulated brand as data: what it holds, what happens to it, and what was seen of it.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::brand::{Brand, Holdings, Person};
use super::dialects::{DialectError, Dialects};
use super::faults::FaultRule;
use super::record::Endpoint;
use super::sample::{SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SCOPES};
use super::state::{JobEnd, JobStatus};
use super::{Options, Simulator};
use simulated_clock::Clock;

/// The longest that a clock is moved on at once.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 3_600);

/// A brand, and how it behaves. Whatever is left out is as usual.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What there is.
    pub brand: BrandHeld,
    /// The names of dialects, at most one of each axis.
    pub dialects: Vec<String>,
    /// How many seconds an erasure takes.
    pub erasure_s: u64,
    /// How many seconds a customer data request takes.
    pub export_s: u64,
    /// How many seconds a token is good.
    pub token_s: u64,
    /// Whether limits are kept.
    pub rate_limits: bool,
    /// How many milliseconds of real time pass before each answer.
    pub latency_ms: u64,
    /// Whether this is a data centre that the brand does not live in.
    pub wrong_datacenter: bool,
}

/// What a brand holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BrandHeld {
    /// The addresses of brand administrators.
    pub administrators: Vec<String>,
    /// The addresses of other users.
    pub staff: Vec<String>,
    /// The address of the user as whom the OAuth client acts; none is the first administrator.
    pub acts_as: Option<String>,
    /// The scopes that the OAuth client was granted.
    pub scopes: Vec<String>,
    /// The ids of directories.
    pub directories: Vec<String>,
    /// The ids of directories that cannot be searched.
    pub lite_directories: Vec<String>,
    /// Who is known.
    pub people: Vec<PersonHeld>,
    /// How many complete erasures of former people there were.
    pub past_erasures: u32,
}

/// A person, and where.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PersonHeld {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail addresses: a contact is made for each.
    pub emails: Vec<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The customer's own id of the person.
    pub reference: Option<String>,
    /// Whatever else the customer keeps.
    pub embedded_data: BTreeMap<String, String>,
    /// How many survey responses there are under each address.
    pub responses: u32,
    /// Makes the export of this person invented, and at least this many bytes long.
    pub export_bytes: Option<u64>,
    /// The ids of the directories in which there is a contact; none is all that can be searched.
    pub directories: Option<Vec<String>>,
}

/// Something that happens to a brand while it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The clock moves on by so many seconds.
    Advance(f64),
    /// These faults replace all others; counting begins anew.
    Faults(Vec<FaultRule>),
    /// How the jobs end that are taken from now on.
    NextJobs(JobEnd),
    /// Further people become known.
    People(Vec<PersonHeld>),
    /// The OAuth client has these scopes from now on, and new tokens are of them.
    Scopes(Vec<String>),
    /// All erasures and customer data requests are lost.
    ForgetJobs,
    /// Every token that was given out is unknown.
    RevokeTokens,
    /// Connections are refused.
    Shut,
    /// Connections are taken again.
    OpenUp,
}

/// What a scenario's end is judged by.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    calls: BTreeMap<Endpoint, usize>,
    erasures: Vec<SeenErasure>,
    exports: Vec<SeenExport>,
    holdings: BTreeMap<String, Holdings>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct SeenErasure {
    emails: Vec<String>,
    search_only: bool,
    status: JobStatus,
}

#[derive(Clone, Debug, Serialize)]
struct SeenExport {
    emails: Vec<String>,
    status: JobStatus,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            brand: BrandHeld::default(),
            dialects: Vec::new(),
            // Two looks at the pace of young requests: the first sees it at work, the second sees it done.
            erasure_s: 40,
            export_s: 40,
            token_s: 3_600,
            rate_limits: true,
            latency_ms: 0,
            wrong_datacenter: false,
        }
    }
}

impl Default for BrandHeld {
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
    /// Starts the brand on a free port. Its clock shows the machine's present second, and stands still.
    ///
    /// # Errors
    /// One sentence: something in it does not fit together, or there is no port.
    pub async fn start(self) -> Result<Simulator, String> {
        let options = Options {
            clock: Clock::made(Clock::system().since_epoch().as_secs()),
            dialects: Dialects::parse(&self.dialects.join(",")).map_err(|error: DialectError| error.to_string())?,
            erasure_duration: Duration::from_secs(self.erasure_s),
            export_duration: Duration::from_secs(self.export_s),
            token_lifetime: Duration::from_secs(self.token_s),
            rate_limits: self.rate_limits,
            latency: Duration::from_millis(self.latency_ms),
            wrong_datacenter: self.wrong_datacenter,
            ..Options::default()
        };
        let brand = self.brand.brand()?;
        Simulator::start(brand, options).await.map_err(|error: io::Error| error.to_string())
    }
}

impl BrandHeld {
    fn brand(&self) -> Result<Brand, String> {
        let mut brand = Brand::new("examplebrand", "fra1").past_erasures(self.past_erasures);
        let administrators = self.administrators.iter().map(|address| (address, true));
        for (address, administrator) in administrators.chain(self.staff.iter().map(|address| (address, false))) {
            let id = format!("UR_{:015}", brand.users.len() + 1);
            brand = brand.user(&id, address, "A", "User", administrator);
        }
        let acts_as = self.acts_as.as_ref().or(self.administrators.first());
        let user = brand.users.iter().find(|user| Some(&user.email) == acts_as).map(|user| user.id.clone());
        let user = user.ok_or("the client acts as nobody whom the brand has")?;
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        brand = brand.client(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &scopes, &user);
        for id in &self.directories {
            brand = brand.directory(id, id);
        }
        for id in &self.lite_directories {
            brand = brand.lite_directory(id, id);
        }
        self.people.iter().try_fold(brand, |brand, person| person.join(brand))
    }
}

impl PersonHeld {
    /// The brand with this person.
    fn join(&self, brand: Brand) -> Result<Brand, String> {
        let all = || brand.directories.iter().filter(|directory| !directory.lite).map(|directory| directory.id.clone());
        let places = self.directories.clone().unwrap_or_else(|| all().collect());
        if let Some(unknown) = places.iter().find(|id| !brand.directories.iter().any(|known| known.id == **id)) {
            return Err(format!("there is no directory {unknown}"));
        }
        let person = Person {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            emails: self.emails.clone(),
            phone: self.phone.clone(),
            reference: self.reference.clone(),
            embedded_data: self.embedded_data.clone(),
            responses: self.responses,
            export_bytes: self.export_bytes,
        };
        Ok(brand.person(&person, &places.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

impl Change {
    /// Lets it happen.
    ///
    /// # Errors
    /// One sentence: it does not fit the brand, which is as it was.
    pub async fn befall(self, simulator: &Simulator) -> Result<(), String> {
        match self {
            Self::Advance(seconds) => {
                let by = Duration::try_from_secs_f64(seconds).ok().filter(|by| *by <= CENTURY);
                simulator.advance(by.ok_or("the clock moves on, by a hundred years at most")?);
            }
            Self::Faults(rules) => simulator.set_faults(rules),
            Self::NextJobs(end) => simulator.set_next_jobs(end),
            Self::People(people) => simulator.with_brand(|brand| {
                let more = people.iter().try_fold(brand.clone(), |brand, person| person.join(brand))?;
                *brand = more;
                Ok::<(), String>(())
            })?,
            Self::Scopes(scopes) => simulator.with_brand(|brand| {
                for client in &mut brand.clients {
                    client.scopes.clone_from(&scopes);
                }
            }),
            Self::ForgetJobs => simulator.forget_jobs(),
            Self::RevokeTokens => simulator.revoke_tokens(),
            Self::Shut => simulator.shut().await,
            Self::OpenUp => simulator.open_up().await,
        }
        Ok(())
    }
}

impl Seen {
    /// What there is to see now. `addresses` are those whose holdings are told.
    #[must_use]
    pub fn of(simulator: &Simulator, addresses: impl IntoIterator<Item = String>) -> Self {
        let mut calls: BTreeMap<Endpoint, usize> = Endpoint::ALL.map(|endpoint| (endpoint, 0)).into();
        for call in simulator.calls() {
            *calls.entry(call.endpoint).or_default() += 1;
        }
        let erasures = simulator.erasures().into_iter().map(|job| SeenErasure {
            emails: job.emails,
            search_only: job.search_only,
            status: job.status,
        });
        let exports = simulator.exports().into_iter().map(|job| SeenExport { emails: job.emails, status: job.status });
        let holdings = addresses.into_iter().map(|address| (address.clone(), simulator.holdings(&address)));
        Self { calls, erasures: erasures.collect(), exports: exports.collect(), holdings: holdings.collect() }
    }
}
