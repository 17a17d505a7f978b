/** @module Interface privacy:connector/connector@0.2.0 **/
/**
 * Describes the connector: settings, permissions, rate limits, egress, gaps. Makes no network call.
 */
export function describe(): Manifest;
/**
 * Applies settings: all of them or none. Replaces earlier settings. Makes no network call.
 */
export function configure(settings: Array<Setting>): void;
/**
 * Tests the connection for the given rights: authenticates and exercises every permission they need, without changing
 * anything. Fails unless all are granted; the error lists every missing one.
 */
export function check(rights: Array<Right>): Connection;
/**
 * Starts access requests.
 */
export function access(requests: Array<Request>): Array<Result<Progress, Error>>;
/**
 * Starts deletion requests. Requests passed in one call may share vendor jobs, which is how bulk work stays within the
 * vendor's rate limits; each request still gets its own guards, result and receipt. Pass requests that share an
 * identifier in the same call. Where a finding has the code `shared-job`, start that request again in a call of its own.
 * Repeat all requests that failed with the problem `narrowing` in one call, without other requests. `preview` never fails
 * with `outcome-unknown`. Do not delete while an access request for the same person is pending.
 */
export { _delete as delete };
declare function _delete(requests: Array<Request>, mode: DeletionMode): Array<Result<Progress, Error>>;
/**
 * Carries out opt-out requests: the vendor must no longer contact the person. Idempotent.
 */
export function optOut(requests: Array<Request>): Array<Result<Progress, Error>>;
/**
 * Advances pending requests, with as few vendor calls as possible; poll requests of one `pending.group` together. Safe to
 * repeat and to run concurrently. Tasks that do not fit into one call stay `pending` with the same ticket. Never starts a
 * deletion; never fails with `outcome-unknown`.
 */
export function poll(tasks: Array<Task>): Array<Result<Progress, Error>>;
/**
 * Reads up to `limit` bytes (at most 1 MiB) of a remote document from `offset`: at least one byte unless it is the end.
 * Sequential reads on one instance are cheap. If the file has changed since it was reported, the remedy is `restart`.
 */
export function read(reference: string, offset: bigint, limit: number): Chunk;
/**
 * A privacy right.
 * # Variants
 * 
 * ## `"access"`
 * 
 * ## `"deletion"`
 * 
 * ## `"opt-out"`
 */
export type Right = 'access' | 'deletion' | 'opt-out';
/**
 * An identifier of a data subject. Leading and trailing whitespace is ignored.
 */
export type Identifier = IdentifierEmail | IdentifierPhone | IdentifierExternalId | IdentifierOther;
/**
 * An e-mail address, compared without regard to case.
 */
export interface IdentifierEmail {
  tag: 'email',
  val: string,
}
/**
 * A telephone number in E.164 format.
 */
export interface IdentifierPhone {
  tag: 'phone',
  val: string,
}
/**
 * The customer's own ID of the person, compared exactly.
 */
export interface IdentifierExternalId {
  tag: 'external-id',
  val: string,
}
/**
 * Any other kind: its name and the value.
 */
export interface IdentifierOther {
  tag: 'other',
  val: [string, string],
}
/**
 * When attempts were started, by the clock that the connector sees. `invalid-request` if the latest lies before the
 * earliest, or more than 24 hours in the future, as a time in milliseconds does.
 */
export interface Attempts {
  /**
   * The earliest; later attempts do not move it.
   */
  firstAt: bigint,
  /**
   * The latest.
   */
  lastAt: bigint,
}
/**
 * A data subject request.
 */
export interface Request {
  /**
   * The host's ID of the request, the same on every retry: 1 to 128 of `A-Z a-z 0-9 . _ : -`. Hosts must not start the
   * same request concurrently.
   */
  id: string,
  /**
   * All identifiers of one person: 1 to 64. A deletion or opt-out acts on these and on no others.
   */
  subject: Array<Identifier>,
  /**
   * Deletion, after `outcome-unknown` or `restart`: the earlier attempts whose outcome is unknown, or that led to the spent
   * ticket. The connector then looks for the vendor's job of any of them, and continues it instead of starting another. An
   * attempt that ended in any other way does not count.
   */
  attempts?: Attempts,
  /**
   * Codes of guards that an operator has overridden for this request: see `finding.code`.
   */
  overrides: Array<string>,
}
/**
 * How far a deletion goes. There is no default, because deletion is irreversible.
 * # Variants
 * 
 * ## `"preview"`
 * 
 * Report what would be deleted; delete nothing. Guards are evaluated too.
 * ## `"erase"`
 * 
 * Delete, and report what the vendor reports.
 * ## `"erase-and-verify"`
 * 
 * Delete, then search again; `verified` only if nothing is found.
 */
export type DeletionMode = 'preview' | 'erase' | 'erase-and-verify';
/**
 * A request in progress, and its latest ticket.
 */
export interface Task {
  request: Request,
  ticket: string,
}
/**
 * The phases of a request, in order. A request need not pass through all of them.
 * # Variants
 * 
 * ## `"searching"`
 * 
 * ## `"exporting"`
 * 
 * ## `"collecting"`
 * 
 * ## `"deleting"`
 * 
 * ## `"opting-out"`
 * 
 * ## `"verifying"`
 */
export type Stage = 'searching' | 'exporting' | 'collecting' | 'deleting' | 'opting-out' | 'verifying';
/**
 * How a request ended. Every outcome rests on evidence: the connector reports nothing it cannot show.
 * # Variants
 * 
 * ## `"found"`
 * 
 * Access: data was found, and every source was searched.
 * ## `"not-found"`
 * 
 * Every source was searched, and none holds data under these identifiers.
 * ## `"partial"`
 * 
 * Incomplete: a source could not be searched, an identifier was not usable, or only some data could be processed. See
 * `findings` for what is missing, and `receipt.jobs` for what was done.
 * ## `"previewed"`
 * 
 * Deletion, `preview`: what would be deleted.
 * ## `"submitted"`
 * 
 * Deletion in mode `erase`: accepted by the vendor; the connection's settings ask not to wait for completion.
 * ## `"deleted"`
 * 
 * Deletion: completed according to the vendor.
 * ## `"verified"`
 * 
 * Deletion: completed according to the vendor, or no longer listed by it, and a second search found nothing.
 * ## `"data-remaining"`
 * 
 * Deletion: completed according to the vendor, but searches still find data.
 * ## `"opted-out"`
 * 
 * Opt-out: set everywhere the person was found, and read back.
 * ## `"refused"`
 * 
 * Not started: a guard forbids it, or no identifier can be used. See `findings`.
 * ## `"failed"`
 * 
 * The vendor's job failed. `receipt` holds the reason as a code.
 */
export type Outcome = 'found' | 'not-found' | 'partial' | 'previewed' | 'submitted' | 'deleted' | 'verified' | 'data-remaining' | 'opted-out' | 'refused' | 'failed';
/**
 * Whether a source was searched, and if not, why.
 * # Variants
 * 
 * ## `"searched"`
 * 
 * ## `"unavailable"`
 * 
 * ## `"not-permitted"`
 * 
 * ## `"not-usable"`
 * 
 * ## `"guarded"`
 */
export type SourceState = 'searched' | 'unavailable' | 'not-permitted' | 'not-usable' | 'guarded';
/**
 * How much data a source holds. `unknown` is not zero.
 */
export type Amount = AmountUnknown | AmountPresent | AmountCount;
export interface AmountUnknown {
  tag: 'unknown',
}
/**
 * Some, but the source does not say how much.
 */
export interface AmountPresent {
  tag: 'present',
}
export interface AmountCount {
  tag: 'count',
  val: bigint,
}
/**
 * What one source reported.
 */
export interface Finding {
  /**
   * The source: `survey-responses`, `directory:POOL_012`, `user-accounts`, …; `personal-data` for everything a vendor's
   * deletion job covers; `all` for every source.
   */
  source: string,
  state: SourceState,
  amount: Amount,
  /**
   * The identifiers it is about, as indices into `request.subject`.
   */
  identifiers: Uint32Array,
  /**
   * A stable code for programs. Guards, which `request.overrides` may lift where the note says so: `staff-account`,
   * `own-account`. Unusable identifiers: `unsupported-kind`, `no-email`. Incomplete sources: `too-many`,
   * `not-permitted`, `unavailable`, `not-searchable`, `not-licensed`. Data under an identifier that differs from the
   * given one in case alone, and was left out: `similar-identifier`. A completed deletion for which the vendor reports no
   * result per identifier: `not-itemised`. A result that may be due to other requests of the job: `shared-job`.
   * Connectors may use further codes: show the note of a code that the host does not know.
   */
  code?: string,
  /**
   * One sentence for a person.
   */
  note?: string,
}
/**
 * Where a document's bytes are.
 */
export type Content = ContentInline | ContentRemote;
/**
 * The bytes: up to 64 KiB per document and 1 MiB per call.
 */
export interface ContentInline {
  tag: 'inline',
  val: Uint8Array,
}
/**
 * A reference for `read`, safe to log. Read it soon: vendors let files expire.
 */
export interface ContentRemote {
  tag: 'remote',
  val: string,
}
/**
 * A document returned for an access request.
 */
export interface Document {
  /**
   * A file name: unique within the report, valid on every file system, free of personal data.
   */
  name: string,
  /**
   * The media type, without parameters; `application/octet-stream` if it is unknown.
   */
  mediaType: string,
  /**
   * The `finding.source` it came from.
   */
  source: string,
  /**
   * The size in bytes, if known.
   */
  size?: bigint,
  content: Content,
}
/**
 * A piece of a remote document.
 */
export interface Chunk {
  bytes: Uint8Array,
  /**
   * Whether this is the end of the document.
   */
  last: boolean,
}
/**
 * Data that a right does not reach, and what to do about it.
 */
export interface Gap {
  /**
   * A stable code for programs.
   */
  code: string,
  /**
   * The rights that do not reach the data.
   */
  rights: Array<Right>,
  /**
   * One sentence for a person: which data is not reached.
   */
  description: string,
  /**
   * One sentence for a person: how to process that data.
   */
  advice: string,
}
/**
 * A job at the vendor.
 */
export interface VendorJob {
  /**
   * `customer-data-request`, `erasure`, `erasure-search`, `opt-out`.
   */
  operation: string,
  /**
   * The vendor's ID of the job; for an opt-out, of the directory.
   */
  id: string,
  /**
   * The vendor's own word for the status, sanitized; in no defined format. Empty if the vendor sends none, `unknown` if the
   * status was not read.
   */
  status: string,
  /**
   * When the vendor created the job, by its clock, such as `2026-01-31T12:00:00Z`. For display: the format is not
   * defined.
   */
  created?: string,
  /**
   * When the vendor last updated the job, likewise.
   */
  updated?: string,
  /**
   * How many identifiers the job covers, including those of other requests that share it.
   */
  identifiers?: number,
  /**
   * Why it failed, as a code, never as the vendor's text.
   */
  failure?: string,
}
/**
 * Evidence of what was done, for the audit trail. Free of personal data.
 */
export interface Receipt {
  /**
   * The connector's name and version.
   */
  connector: string,
  /**
   * `request.id`.
   */
  requestId: string,
  /**
   * The mode of a deletion.
   */
  mode?: DeletionMode,
  /**
   * The vendor's jobs for this request. Empty if there was none.
   */
  jobs: Array<VendorJob>,
  /**
   * When the vendor accepted the request, if it did.
   */
  submittedAt?: bigint,
  /**
   * When the report was made.
   */
  finishedAt: bigint,
}
/**
 * The final result of a request.
 */
export interface Report {
  right: Right,
  outcome: Outcome,
  findings: Array<Finding>,
  /**
   * The data of an access request. Personal data: do not log the content of a document.
   */
  documents: Array<Document>,
  /**
   * Further identifiers of the person, found through the given ones. Nothing was done with them: a person confirms them
   * and starts another request. Each is accepted in `request.subject` as it stands. Personal data: do not log.
   */
  discovered: Array<Identifier>,
  gaps: Array<Gap>,
  receipt: Receipt,
  /**
   * With outcome `submitted`: a ticket that follows the job to its end.
   */
  ticket?: string,
}
/**
 * The kind of an error.
 * # Variants
 * 
 * ## `"not-configured"`
 * 
 * `configure` has not succeeded on this instance.
 * ## `"invalid-settings"`
 * 
 * A setting is missing, unknown or malformed.
 * ## `"invalid-request"`
 * 
 * The request cannot be served as written.
 * ## `"invalid-ticket"`
 * 
 * The ticket or reference is damaged, or belongs to another request.
 * ## `"unsupported"`
 * 
 * Not supported by this connector or this version of it.
 * ## `"unauthorized"`
 * 
 * The vendor rejects the credentials.
 * ## `"forbidden"`
 * 
 * The credentials lack a permission, a role or a licence.
 * ## `"rate-limited"`
 * 
 * The vendor throttles, or the instance has no calls left in its share of the rate limit (see `rate-limit`).
 * ## `"unavailable"`
 * 
 * The vendor cannot be reached, or fails temporarily.
 * ## `"outcome-unknown"`
 * 
 * Deletion only: the vendor may or may not have started it. Repeat the call with `attempts`.
 * ## `"job-not-found"`
 * 
 * The vendor no longer has the job or file.
 * ## `"unexpected-response"`
 * 
 * The vendor's response was not understood.
 */
export type ErrorKind = 'not-configured' | 'invalid-settings' | 'invalid-request' | 'invalid-ticket' | 'unsupported' | 'unauthorized' | 'forbidden' | 'rate-limited' | 'unavailable' | 'outcome-unknown' | 'job-not-found' | 'unexpected-response';
/**
 * What the caller can do about an error.
 */
export type Remedy = RemedyRetry | RemedyRestart | RemedyOperator | RemedyGiveUp;
/**
 * Repeat the call after at least this many milliseconds.
 */
export interface RemedyRetry {
  tag: 'retry',
  val: bigint,
}
/**
 * The ticket or reference is spent: start the request again, a deletion with `attempts`.
 */
export interface RemedyRestart {
  tag: 'restart',
}
/**
 * An operator must change something first; the message says what.
 */
export interface RemedyOperator {
  tag: 'operator',
}
/**
 * Nothing: no retry will help.
 */
export interface RemedyGiveUp {
  tag: 'give-up',
}
/**
 * One cause of an error, or one warning.
 */
export interface Problem {
  /**
   * A stable code. Errors: `setting`, `request`, `permission`, `role`, `egress`, `proxy`, `narrowing`. Warnings: `not-licensed`,
   * `not-searchable`, `unproven`, `role`, `datacenter`, `notice`. `attention`: `overdue`, `unknown-status`.
   */
  code: string,
  /**
   * What it concerns: a setting's key, a permission, an origin, a source, a place such as `subject[2]`. Never a value.
   */
  target: string,
  /**
   * The rights it affects.
   */
  affects: Array<Right>,
  /**
   * One or more sentences for a person: what happened, then what to do.
   */
  message: string,
}
/**
 * Work in progress at the vendor.
 */
export interface Pending {
  /**
   * What `poll` needs to continue, on any instance, for as long as the vendor keeps the job. At most 4 KiB of printable
   * ASCII, free of personal data and secrets, hence safe to log. Store it before polling again. Older tickets of the
   * same request remain valid.
   */
  ticket: string,
  stage: Stage,
  /**
   * The minimum delay before the next `poll`.
   */
  pollAfterMs: bigint,
  /**
   * Requests with the same value share a vendor job: poll them together. Safe to log.
   */
  group?: string,
  /**
   * When the vendor accepted the request, once it has.
   */
  submittedAt?: bigint,
  /**
   * The vendor's own word for the job's status.
   */
  vendorStatus?: string,
  /**
   * Progress of this stage, 0 to 100, where the vendor reports it.
   */
  percent?: number,
  /**
   * Set when an operator should look although work continues: `overdue`, `unknown-status`.
   */
  attention?: Problem,
}
/**
 * The state of a request.
 */
export type Progress = ProgressPending | ProgressDone;
/**
 * Work continues: call `poll` with this ticket.
 */
export interface ProgressPending {
  tag: 'pending',
  val: Pending,
}
/**
 * The final result. Starting the request again yields the same outcome while the vendor's data is unchanged.
 */
export interface ProgressDone {
  tag: 'done',
  val: Report,
}
/**
 * An error. It contains no personal data, no secret, and nothing of the vendor's response but codes. Unless the kind is
 * `outcome-unknown`, the call did not start this request's deletion; earlier tickets remain valid unless the remedy is
 * `restart`.
 */
export interface Error {
  kind: ErrorKind,
  remedy: Remedy,
  /**
   * One sentence for a person.
   */
  message: string,
  /**
   * Every problem found, so that all can be fixed together.
   */
  problems: Array<Problem>,
  /**
   * The HTTP status of the response that caused the error, if there is one.
   */
  httpStatus?: number,
  /**
   * The vendor's error code, if the response contains one.
   */
  vendorCode?: string,
  /**
   * The vendor's ID of the failed HTTP request, for its support, if the response contains one.
   */
  vendorRequestId?: string,
}
/**
 * A key and its value.
 */
export interface Setting {
  key: string,
  value: string,
}
/**
 * The type of a setting's value. A `secret` is never shown again; an `origin` is scheme, host and port.
 * # Variants
 * 
 * ## `"text"`
 * 
 * ## `"secret"`
 * 
 * ## `"choice"`
 * 
 * ## `"flag"`
 * 
 * ## `"number"`
 * 
 * ## `"origin"`
 */
export type SettingKind = 'text' | 'secret' | 'choice' | 'flag' | 'number' | 'origin';
/**
 * A field of the connection's set-up form. A published key stays accepted.
 */
export interface SettingField {
  key: string,
  label: string,
  help: string,
  kind: SettingKind,
  required: boolean,
  'default'?: string,
  /**
   * The values of a choice, each with its label.
   */
  choices: Array<[string, string]>,
}
/**
 * A permission that an administrator grants at the vendor.
 */
export interface Permission {
  name: string,
  /**
   * Rights that fail without it.
   */
  requiredFor: Array<Right>,
  /**
   * Rights that return more with it.
   */
  optionalFor: Array<Right>,
}
/**
 * How a connector supports a right.
 */
export interface Capability {
  right: Right,
  /**
   * Whether the vendor keeps working after the call returns.
   */
  asynchronous: boolean,
  /**
   * Whether all data of the person is processed, without a choice of records.
   */
  wholeRecord: boolean,
  /**
   * The supported cases of `identifier`.
   */
  identifiers: Array<string>,
  /**
   * How many identifiers one vendor job can serve; 1 where requests are never grouped.
   */
  groupSize: number,
  /**
   * After this long, a pending request is reported as `overdue`.
   */
  overdueAfterMs: bigint,
}
/**
 * A rate limit that the vendor applies to the whole tenant. A host that runs several instances should enforce it across
 * them by responding to excess calls itself, with status 429 and `Retry-After`. Where it cannot, each instance keeps to its
 * own share (a setting). A call counts against every limit it matches.
 */
export interface RateLimit {
  name: string,
  /**
   * Empty for every method.
   */
  methods: Array<string>,
  /**
   * A path in which `*` stands for one segment and a final `**` for the rest, such as `/API/v3/users/*`.
   */
  path: string,
  callsPerMinute: number,
}
/**
 * What a connector is and needs.
 */
export interface Manifest {
  /**
   * The stable name of the connector, for programs.
   */
  name: string,
  /**
   * The name of the vendor system, for a person.
   */
  title: string,
  /**
   * The version of the connector.
   */
  version: string,
  /**
   * One for each supported right.
   */
  capabilities: Array<Capability>,
  /**
   * The fields of the set-up form, in the order in which to show them.
   */
  settings: Array<SettingField>,
  /**
   * The permissions that the connector may need. Settings can make some of them unnecessary.
   */
  permissions: Array<Permission>,
  /**
   * The vendor's rate limits that apply to the connector's calls.
   */
  limits: Array<RateLimit>,
  /**
   * Origins the connector may need to reach: `https://*.example.com`.
   */
  egress: Array<string>,
  /**
   * The gaps of all rights. A report repeats those of its right.
   */
  gaps: Array<Gap>,
}
/**
 * The result of `check`.
 */
export interface Connection {
  /**
   * The vendor's name of the tenant. Empty if it is unknown, like `account` and `role`.
   */
  tenant: string,
  /**
   * The tenant's region.
   */
  region: string,
  /**
   * The account in use. May be personal data: do not log.
   */
  account: string,
  /**
   * The account's role.
   */
  role: string,
  /**
   * The permissions that were verified.
   */
  granted: Array<string>,
  /**
   * The origins this connection uses, out of `manifest.egress`.
   */
  egress: Array<string>,
  warnings: Array<Problem>,
}
export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
