//! A host that makes calls in any order, to a Qualtrics that answers anything; and what the connector owes both.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use qualtrics_connector::connector::Connector;
use qualtrics_connector::connector::contract::{
    Chunk, Content, DeletionMode, Error, ErrorKind, Identifier, Outcome, Pending, Progress, Remedy, Report, Request,
    Right, Setting, Stage as At, Task,
};
use qualtrics_connector::http::{self, Body, Cause, Clock, Failure, Head, Limits, Response, Transport};
use qualtrics_connector::secret::Secret;
use serde_json::{Value, json};

use super::json::any_json;

/// Stands in every vendor message, and in the names of every person.
const MARK: &str = "mark-3c";

/// What a host does next.
#[derive(Clone, Debug)]
pub enum Step {
    Access(usize, Option<u64>),
    Delete(usize, Mode, Option<u64>),
    /// Polls so many of the last tickets.
    Poll(usize),
    Read(prop::sample::Index, u64, u32),
    Check,
    Configure(usize),
    Wait(u64),
    /// Goes on with another instance.
    Change,
}

/// A deletion's mode.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    Preview,
    Erase,
    EraseAndVerify,
}

/// What becomes of an exchange.
#[derive(Clone, Debug)]
pub enum Fate {
    /// An answer as Qualtrics would give it; the number chooses among them.
    Plausible(u8),
    /// An error, with what it asks to wait.
    Error(u16, Option<u32>),
    /// A good status, and an error inside.
    HiddenError(u16),
    /// A status with any JSON.
    Any(u16, Value),
    /// A body that is no JSON.
    NoJson(Vec<u8>),
    /// No answer: what of, and whether nothing was begun.
    Lost(Cause, bool),
}

/// A host's steps, and Qualtrics' answers, which begin again when they are used up.
#[derive(Clone, Debug)]
pub struct Story {
    steps: Vec<Step>,
    fates: Vec<Fate>,
}

pub fn stories() -> impl Strategy<Value = Story> {
    let attempt = || prop_oneof![3 => Just(None), 1 => (0..40_u64).prop_map(Some), 1 => any::<u64>().prop_map(Some)];
    let mode = prop_oneof![Just(Mode::Preview), Just(Mode::Erase), Just(Mode::EraseAndVerify)];
    let step = prop_oneof![
        2 => (0..5_usize, attempt()).prop_map(|(subject, attempt)| Step::Access(subject, attempt)),
        4 => (0..5_usize, mode, attempt()).prop_map(|(subject, mode, attempt)| Step::Delete(subject, mode, attempt)),
        6 => (0..9_usize).prop_map(Step::Poll),
        2 => (any::<prop::sample::Index>(), 0..100_u64, any::<u32>()).prop_map(|(which, at, most)| Step::Read(which, at, most)),
        1 => Just(Step::Check),
        1 => (0..3_usize).prop_map(Step::Configure),
        3 => prop_oneof![0..120_000_u64, 0..40_000_000_u64].prop_map(Step::Wait),
        1 => Just(Step::Change),
    ];
    let status = || {
        prop_oneof![
            3 => prop::sample::select(vec![400_u16, 401, 403, 404, 409, 416, 429, 500, 502, 503, 504]),
            1 => 100..600_u16
        ]
    };
    let causes = vec![
        Cause::Denied,
        Cause::NameNotFound,
        Cause::Unreachable,
        Cause::Tls,
        Cause::TimedOut,
        Cause::Broken,
        Cause::TooLarge,
        Cause::Refused,
    ];
    let fate = prop_oneof![
        24 => any::<u8>().prop_map(Fate::Plausible),
        3 => (status(), prop::option::of(0..10_u32)).prop_map(|(status, wait)| Fate::Error(status, wait)),
        1 => status().prop_map(Fate::HiddenError),
        2 => (status(), any_json()).prop_map(|(status, json)| Fate::Any(status, json)),
        1 => any_json().prop_map(|json| Fate::Any(200, json)),
        1 => prop::collection::vec(any::<u8>(), 0..100).prop_map(Fate::NoJson),
        2 => (prop::sample::select(causes), any::<bool>()).prop_map(|(cause, nothing)| Fate::Lost(cause, nothing)),
    ];
    (prop::collection::vec(step, 1..16), prop::collection::vec(fate, 1..40))
        .prop_map(|(steps, fates)| Story { steps, fates })
}

/// A request to Qualtrics, and what is known of it by whoever sent it.
struct Sent {
    request: http::Request,
    /// Whether the answer proves that nothing was begun.
    began_nothing: bool,
}

impl Sent {
    fn is_erasure(&self) -> bool {
        let erases = || {
            let body: Value = serde_json::from_slice(&self.request.body).expect("the connector writes JSON");
            body["searchOnly"] == json!(false)
        };
        self.request.method == http::Method::Post && self.request.path.starts_with("/API/v3/op-erase") && erases()
    }
}

/// Qualtrics, as far as the story tells it; and the time.
struct Stage {
    fates: Vec<Fate>,
    next: usize,
    now_ms: u64,
    sent: Vec<Sent>,
}

#[derive(Clone)]
struct World(Rc<RefCell<Stage>>);

struct Piece(Vec<u8>, bool);

impl World {
    fn answer(&self, request: http::Request) -> Result<(Head, Vec<u8>, bool), Failure> {
        let mut stage = self.0.borrow_mut();
        let place = stage.next % stage.fates.len();
        stage.next += 1;
        // Every exchange takes some time.
        stage.now_ms += 7;
        let fate = stage.fates[place].clone();
        let message = format!("no such person as {MARK}@example.org");
        let error = |status: u16| {
            json!({"meta": {"httpStatus": format!("{status} - {message}"), "requestId": "r-1",
                "error": {"errorCode": "E_1", "errorMessage": message}}})
        };
        let now_s = stage.now_ms / 1_000;
        let answer = match fate {
            Fate::Plausible(which) => Ok((200, None, plausible(&request, which, now_s))),
            Fate::Error(status, wait) => Ok((status, wait, error(status).to_string().into_bytes())),
            Fate::HiddenError(status) => Ok((200, None, error(status).to_string().into_bytes())),
            Fate::Any(status, json) => Ok((status, None, json.to_string().into_bytes())),
            Fate::NoJson(bytes) => Ok((200, None, bytes)),
            Fate::Lost(cause, began_nothing) => Err(Failure { began_nothing, cause }),
        };
        let began_nothing = match &answer {
            Err(failure) => failure.began_nothing,
            Ok((status, _, body)) => {
                let told: Value = serde_json::from_slice(body).unwrap_or_default();
                let hidden = match &told["meta"]["httpStatus"] {
                    Value::Number(number) => number.as_u64(),
                    Value::String(text) => text.get(..3).and_then(|digits| digits.parse().ok()),
                    _ => None,
                };
                let counts = |status: u64| matches!(status, 401 | 429);
                counts(u64::from(*status)) || (*status < 300 && hidden.is_some_and(counts))
            }
        };
        stage.sent.push(Sent { request, began_nothing });
        answer.map(|(status, wait, body)| {
            let headers = wait.map(|wait| ("retry-after".to_owned(), wait.to_string())).into_iter().collect();
            // Some bodies break off.
            (Head { status, headers }, body, place % 11 == 10)
        })
    }
}

/// An answer that this endpoint could give.
fn plausible(request: &http::Request, which: u8, now_s: u64) -> Vec<u8> {
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches("/API/v3").split('/').skip(1).collect();
    let post = request.method == http::Method::Post;
    let states = ["Completed", "inProgress", "Failed", "completed", "brewing"];
    let status = states[usize::from(which) % states.len()];
    let ago = |seconds: u64| (now_s.saturating_sub(seconds)) * 1_000;
    let not_found =
        [json!([]), json!(["a@example.org"]), json!(0), json!(1), json!(null)][usize::from(which) % 5].clone();
    let emails = [json!(["a@example.org"]), json!(["a@example.org", "b@example.org"]), json!(null)]
        [usize::from(which) % 3]
        .clone();
    let job = |id: &str| {
        json!({"requestId": id, "status": status, "emailList": emails, "searchOnly": which.is_multiple_of(2),
            "emailsNotFound": not_found, "created": ago(u64::from(which)), "updated": ago(u64::from(which) / 2)})
    };
    let result = match (parts.as_slice(), post) {
        (["oauth2", "token"], _) => {
            return json!({"access_token": "token", "expires_in": 3_599}).to_string().into_bytes();
        }
        (["op-erase-personal-data"], true) => json!({"requestId": format!("OP-{}", which % 4)}),
        (["op-erase-personal-data"], false) => {
            let next =
                which.is_multiple_of(3).then(|| format!("https://x.example/y?offset={}", u64::from(which) * 100));
            json!({"elements": [job("OP-0"), job("OP-1"), job("OP-2")], "nextPage": next})
        }
        (["op-erase-personal-data", id], _) => job(id),
        (["customer-data-requests"], _) => json!({"requestId": format!("CDR-{}", which % 4)}),
        (["customer-data-requests", _], _) => {
            json!({"status": status, "percentComplete": which, "files": [{"fileId": "F 1"}, "F/2"]})
        }
        (["whoami"], _) => {
            json!({"userId": "UR_1", "userName": format!("{MARK}@example.org#brand"), "brandId": "brand"})
        }
        (["users"], _) => json!({"elements": [{"email": if which == 0 { "a@example.org" } else { "x@example.org" }}]}),
        (["directories"], _) => json!({"elements": [{"directoryId": "POOL_1"}]}),
        (["directories", _, "contacts", "search"], _) => {
            let contact =
                json!({"id": "CID_1", "email": "a@example.org", "phoneNumber": "+15550100", "firstName": MARK});
            json!({"elements": if which.is_multiple_of(2) { vec![contact] } else { Vec::new() }})
        }
        (["directories", _, "contacts", id], _) => {
            json!({"contactId": id, "email": "a@example.org", "lastModified": ago(1)})
        }
        // A file.
        _ => return format!("[{{\"n\": {which}}}]").into_bytes(),
    };
    json!({"result": result, "meta": {"httpStatus": "200 - OK"}}).to_string().into_bytes()
}

impl Transport for World {
    type Body = Piece;

    fn exchange(&mut self, requests: Vec<http::Request>, _: Limits) -> Vec<Result<Response, Failure>> {
        let answer = |request| match self.answer(request) {
            Ok((_, _, true)) => {
                // The whole answer is lost with its end.
                if let Some(sent) = self.0.borrow_mut().sent.last_mut() {
                    sent.began_nothing = false;
                }
                Err(Failure::lost(Cause::Broken))
            }
            Ok((head, body, false)) => Ok(Response { head, body }),
            Err(failure) => Err(failure),
        };
        requests.into_iter().map(answer).collect()
    }

    fn open(&mut self, request: http::Request, _: Limits) -> Result<(Head, Piece), Failure> {
        self.answer(request).map(|(head, body, breaks)| (head, Piece(body, breaks)))
    }
}

impl Body for Piece {
    fn read(&mut self, limit: usize, _: Limits) -> Result<Vec<u8>, Failure> {
        if self.0.is_empty() && self.1 {
            return Err(Failure::lost(Cause::Broken));
        }
        let rest = self.0.split_off(limit.min(self.0.len()));
        Ok(std::mem::replace(&mut self.0, rest))
    }
}

impl Clock for World {
    fn wall_ms(&self) -> u64 {
        self.0.borrow().now_ms
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.borrow().now_ms
    }

    fn sleep(&self, ms: u64) {
        assert!(ms <= 5_000, "the connector never sleeps for long");
        self.0.borrow_mut().now_ms += ms;
    }
}

type Instance = Connector<World, World>;

/// A host in the middle of its story.
struct Teller {
    world: World,
    instance: Instance,
    configured: usize,
    tickets: Vec<Given>,
    references: Vec<String>,
    /// The stages of which a ticket was polled.
    polled: Vec<At>,
}

/// A ticket, its request, and the stage that it was given for, if it was told.
#[derive(Clone)]
struct Given {
    request: Request,
    ticket: String,
    at: Option<At>,
}

const BEGIN_MS: u64 = 1_767_603_600_000;

/// Plays a story, and looks at every answer. Returns the stages at which was polled.
pub fn tell(story: &Story) -> Result<Vec<At>, TestCaseError> {
    let stage = Stage { fates: story.fates.clone(), next: 0, now_ms: BEGIN_MS, sent: Vec::new() };
    let world = World(Rc::new(RefCell::new(stage)));
    let instance = instance(&world, 0);
    let (tickets, references, polled) = (Vec::new(), Vec::new(), Vec::new());
    let mut teller = Teller { world, instance, configured: 0, tickets, references, polled };
    story.steps.iter().try_for_each(|step| teller.play(step))?;
    Ok(teller.polled)
}

fn instance(world: &World, settings: usize) -> Instance {
    let mut instance = Connector::new(world.clone(), world.clone());
    assert!(instance.configure(&configuration(settings)).is_ok());
    instance
}

fn configuration(which: usize) -> Vec<Setting> {
    let guard = ["all-users", "own-account", "off"][which];
    let behavior = ["wait-for-completion", "complete-on-submission", "wait-for-completion"][which];
    let pairs = [
        ("datacenter-id", "fra1"),
        ("client-id", "client"),
        ("client-secret", MARK),
        ("account-guard", guard),
        ("deletion-behavior", behavior),
    ];
    pairs.map(|(key, value)| Setting { key: key.to_owned(), value: Secret::new(value) }).to_vec()
}

fn request(subject: usize, attempt: Option<u64>, now_s: u64) -> Request {
    let email = |address: &str| Identifier::Email(Secret::new(address));
    let subject = match subject {
        0 => vec![email("a@example.org")],
        1 => vec![email("b@example.org"), email("A@example.org ")],
        2 => vec![Identifier::Phone(Secret::new("+15550100"))],
        3 => vec![email("a@example.org"), Identifier::ExternalReference(Secret::new(MARK))],
        _ => vec![Identifier::Other(Secret::new("loyalty"), Secret::new(MARK))],
    };
    // Small numbers are minutes before now.
    let first_attempt_at = attempt.map(|at| if at < 40 { now_s - at * 60 } else { at });
    Request { key: "story-1".to_owned(), subject, first_attempt_at, confirmed: Vec::new(), extra: Vec::new() }
}

impl Teller {
    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let before = self.world.0.borrow().sent.len();
        let now_ms = self.world.wall_ms();
        match step {
            Step::Wait(ms) => self.world.0.borrow_mut().now_ms += ms,
            Step::Change => self.instance = instance(&self.world, self.configured),
            Step::Configure(which) => {
                self.configured = *which;
                prop_assert!(self.instance.configure(&configuration(*which)).is_ok());
                prop_assert!(self.instance.configure(&[]).is_err());
            }
            Step::Check => match self.instance.check(&[Right::Access, Right::Deletion]) {
                Ok(connection) => prop_assert_eq!(connection.egress, ["https://fra1.qualtrics.com"]),
                Err(error) => self.discreet(&error)?,
            },
            Step::Access(subject, attempt) => {
                let request = request(*subject, *attempt, now_ms / 1_000);
                let answer = self.instance.access(&request);
                self.look(&request, answer, None)?;
                prop_assert_eq!(self.erasures(before), 0);
            }
            Step::Delete(subject, mode, attempt) => {
                let request = request(*subject, *attempt, now_ms / 1_000);
                let mode = match mode {
                    Mode::Preview => DeletionMode::Preview,
                    Mode::Erase => DeletionMode::Erase,
                    Mode::EraseAndVerify => DeletionMode::EraseAndVerify,
                };
                let answer = self.instance.delete(&request, mode);
                self.at_most_one_erasure(before, mode)?;
                // An error of another kind promises that nothing was begun.
                if let Err(error) = &answer
                    && error.kind != ErrorKind::OutcomeUnknown
                {
                    let sent = &self.world.0.borrow().sent;
                    let erasures: Vec<_> = sent[before..].iter().filter(|sent| sent.is_erasure()).collect();
                    prop_assert!(erasures.is_empty() || mode != DeletionMode::Preview);
                }
                self.look(&request, answer, None)?;
            }
            Step::Poll(many) => self.poll(*many)?,
            Step::Read(which, offset, limit) if !self.references.is_empty() => {
                let reference = which.get(&self.references).clone();
                match self.instance.read(&reference, *offset, *limit) {
                    Ok(Chunk { bytes, last }) => {
                        prop_assert!(bytes.len() <= *limit as usize && (last || !bytes.is_empty()));
                    }
                    Err(error) => {
                        prop_assert!(error.kind != ErrorKind::OutcomeUnknown);
                        self.discreet(&error)?;
                    }
                }
                prop_assert_eq!(self.erasures(before), 0);
            }
            Step::Read(..) => {}
        }
        for sent in &self.world.0.borrow().sent[before..] {
            prop_assert_eq!(sent.request.origin.to_text(), "https://fra1.qualtrics.com");
            prop_assert!(sent.request.path.starts_with('/'));
            prop_assert!(
                sent.request.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'),
                "{}",
                sent.request.path
            );
            prop_assert!(!sent.request.path.contains(MARK) && !sent.request.path.contains("example.org"));
        }
        // Waits within a call are short; here an exchange takes no time to speak of.
        let spent = self.world.wall_ms() - now_ms;
        prop_assert!(matches!(step, Step::Wait(_)) || spent < 60_000, "{} ms", spent);
        Ok(())
    }

    /// Polls, twice from the same place in the story: the same answers to the same questions.
    fn poll(&mut self, many: usize) -> Result<(), TestCaseError> {
        let given: Vec<Given> = self.tickets.iter().rev().take(many).cloned().collect();
        let task = |given: &Given| Task { request: given.request.clone(), ticket: given.ticket.clone() };
        let tasks: Vec<Task> = given.iter().map(task).collect();
        self.polled.extend(given.iter().filter_map(|given| given.at));
        let (next, now_ms, before) = {
            let stage = self.world.0.borrow();
            (stage.next, stage.now_ms, stage.sent.len())
        };
        let mut told = Vec::new();
        for _ in 0..2 {
            {
                let mut stage = self.world.0.borrow_mut();
                (stage.next, stage.now_ms) = (next, now_ms);
            }
            self.instance = instance(&self.world, self.configured);
            let answers = self.instance.poll(&tasks);
            prop_assert_eq!(answers.len(), tasks.len());
            told.push(answers.iter().map(said).collect::<Vec<_>>());
            for (given, answer) in given.iter().zip(answers) {
                self.look(&given.request, answer, Some(given.at))?;
            }
        }
        prop_assert_eq!(&told[0], &told[1]);
        prop_assert_eq!(self.erasures(before), 0, "poll never begins an erasure");
        Ok(())
    }

    /// How many erasures, not mere searches, were sent since.
    fn erasures(&self, before: usize) -> usize {
        self.world.0.borrow().sent[before..].iter().filter(|sent| sent.is_erasure()).count()
    }

    /// One delete sends one erasure; another only once it is proved that the one before was not taken.
    fn at_most_one_erasure(&self, before: usize, mode: DeletionMode) -> Result<(), TestCaseError> {
        let sent = &self.world.0.borrow().sent;
        let erasures: Vec<_> = sent[before..].iter().filter(|sent| sent.is_erasure()).collect();
        prop_assert!(mode != DeletionMode::Preview || erasures.is_empty(), "a preview erases nothing");
        if let Some((_, refused)) = erasures.split_last() {
            prop_assert!(refused.iter().all(|sent| sent.began_nothing), "{} erasures", erasures.len());
        }
        prop_assert!(erasures.len() <= 3);
        Ok(())
    }

    /// Whether an answer is one that the contract allows; of a poll, to a ticket that was given at this stage.
    fn look(
        &mut self,
        request: &Request,
        answer: Result<Progress, Error>,
        polled: Option<Option<At>>,
    ) -> Result<(), TestCaseError> {
        let polled_at = polled.flatten();
        let polled = polled.is_some();
        match answer {
            Ok(Progress::Pending(pending)) => {
                self.pending(&pending)?;
                // The contract has the stages in their order.
                let back = polled_at.is_some_and(|before| before > pending.stage);
                prop_assert!(!back, "back from {:?} to {:?}", polled_at, pending.stage);
                self.tickets.push(Given { request: request.clone(), ticket: pending.ticket, at: Some(pending.stage) });
            }
            Ok(Progress::Done(report)) => {
                Self::report(request, &report)?;
                for document in report.documents {
                    if let Content::Remote(reference) = document.content {
                        self.references.push(reference);
                    }
                }
                let given = |ticket| Given { request: request.clone(), ticket, at: None };
                self.tickets.extend(report.ticket.map(given));
            }
            Err(error) => {
                prop_assert!(!polled || error.kind != ErrorKind::OutcomeUnknown, "poll never answers outcome-unknown");
                prop_assert!(polled || error.remedy != Remedy::Restart, "there is no ticket to be spent");
                self.discreet(&error)?;
            }
        }
        Ok(())
    }

    fn pending(&self, pending: &Pending) -> Result<(), TestCaseError> {
        prop_assert!((1..=4_096).contains(&pending.ticket.len()));
        prop_assert!(pending.ticket.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert!(pending.percent.is_none_or(|percent| percent <= 100));
        prop_assert!((1..=3_600_000).contains(&pending.poll_after_ms), "{}", pending.poll_after_ms);
        prop_assert!(pending.vendor_status.as_ref().is_none_or(|word| word.len() <= 40 && !word.contains('@')));
        Ok(())
    }

    fn report(request: &Request, report: &Report) -> Result<(), TestCaseError> {
        let names = report.findings.iter().flat_map(|finding| &finding.names);
        prop_assert!(names.into_iter().all(|name| (*name as usize) < request.subject.len()));
        let mut files: Vec<_> = report.documents.iter().map(|document| document.name.to_lowercase()).collect();
        prop_assert!(
            files.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)))
        );
        files.sort();
        files.dedup();
        prop_assert_eq!(files.len(), report.documents.len(), "each name once");
        let reached =
            matches!(report.outcome, Outcome::Erased | Outcome::Verified | Outcome::Residue | Outcome::Submitted);
        prop_assert!(!reached || (report.right == Right::Deletion && !report.receipt.jobs.is_empty()));
        prop_assert_eq!(
            report.outcome == Outcome::Found,
            report.right == Right::Access && report.outcome == Outcome::Found
        );
        prop_assert_eq!(&report.receipt.request_key, &request.key);
        let receipt = format!("{:?} {:?}", report.receipt, report.findings);
        prop_assert!(!receipt.contains(MARK), "{}", receipt);
        Ok(())
    }

    fn discreet(&self, error: &Error) -> Result<(), TestCaseError> {
        let text = format!("{error:?}");
        prop_assert!(!text.contains(MARK) && !text.contains("example.org"), "{}", text);
        prop_assert!(!matches!(error.remedy, Remedy::Retry(ms) if ms > 3_600_000), "{}", text);
        prop_assert!(!error.message.is_empty());
        Ok(())
    }
}

/// An answer as text.
fn said(answer: &Result<Progress, Error>) -> String {
    match answer {
        Ok(Progress::Pending(pending)) => format!("{pending:?}"),
        Ok(Progress::Done(report)) => {
            let Report { right, outcome, findings, receipt, documents, .. } = report.as_ref();
            let documents: Vec<_> = documents.iter().map(|document| (&document.name, document.size)).collect();
            format!("{right:?} {outcome:?} {findings:?} {receipt:?} {documents:?}")
        }
        Err(error) => format!("{error:?}"),
    }
}
