/** @module Interface privacy:connector/connector@0.1.0 **/
/**
 * What this connector is and needs. It makes no call.
 */
export function describe(): Manifest;
/**
 * Takes the settings, all or none. It makes no call. Configuring again replaces everything.
 */
export function configure(settings: Array<Setting>): void;
/**
 * Tests the connection for these rights: signs in, and tries every permission that they need with a harmless call. It
 * fails unless all are there, and names every one that is not.
 */
export function check(rights: Array<Right>): Connection;
/**
 * Begins an access request.
 */
export function access(request: Request): Progress;
/**
 * Begins a deletion request. Not while an access request on the same person is open: it would lose its answer.
 */
export { _delete as delete };
function _delete(request: Request, mode: DeletionMode): Progress;
/**
 * Asks how requests stand: one answer a task, in their order, with as few calls to the vendor as serve them all. Safe
 * to repeat, from several places at once. A task that this call had no time or room for stays `pending`, with the same
 * ticket. It never begins an erasure, and never answers `outcome-unknown`.
 */
export function poll(tasks: Array<Task>): Array<Result<Progress, Error>>;
/**
 * Reads a piece of a remote document from `offset`: at most `limit` bytes (1 or more), and at least one unless it is
 * the last. Reading on in order on one instance is cheap. Elsewhere, a vendor without ranges may have to send everything again;
 * if the file has changed since, the remedy is `restart`.
 */
export function read(reference: string, offset: bigint, limit: number): Chunk;
/**
 * One name under which a vendor system may know a person. Outer blanks never count.
 */
export type Identifier = IdentifierEmail | IdentifierPhone | IdentifierExternalReference | IdentifierOther;
/**
 * An e-mail address; compared without regard to case.
 */
export interface IdentifierEmail {
  tag: 'email',
  val: string,
}
/**
 * A telephone number in E.164 form.
 */
export interface IdentifierPhone {
  tag: 'phone',
  val: string,
}
/**
 * The id that the customer's own systems gave the person.
 */
export interface IdentifierExternalReference {
  tag: 'external-reference',
  val: string,
}
/**
 * Any other kind: its name, and the value.
 */
export interface IdentifierOther {
  tag: 'other',
  val: [string, string],
}
/**
 * A privacy right that a connector can serve.
 * # Variants
 * 
 * ## `"access"`
 * 
 * ## `"deletion"`
 */
export type Right = 'access' | 'deletion';
/**
 * How far a deletion goes. There is no default: irreversible work is asked for in so many words.
 * # Variants
 * 
 * ## `"preview"`
 * 
 * Search only. Nothing is deleted. The guards are tried, too.
 * ## `"erase"`
 * 
 * Delete, and report what the vendor reports.
 * ## `"erase-and-verify"`
 * 
 * Delete, then search again, and report `verified` only if nothing is left.
 */
export type DeletionMode = 'preview' | 'erase' | 'erase-and-verify';
/**
 * The steps of a request, in order. Not every request takes every step.
 * # Variants
 * 
 * ## `"resolving"`
 * 
 * ## `"searching"`
 * 
 * ## `"exporting"`
 * 
 * ## `"gathering"`
 * 
 * ## `"erasing"`
 * 
 * ## `"verifying"`
 */
export type Stage = 'resolving' | 'searching' | 'exporting' | 'gathering' | 'erasing' | 'verifying';
/**
 * How a request ended. Every count comes from evidence: a connector never reports work that it cannot show.
 * # Variants
 * 
 * ## `"found"`
 * 
 * Access: data was found, and every source answered.
 * ## `"nothing-found"`
 * 
 * Every source answered, and none holds anything under these names.
 * ## `"partial"`
 * 
 * Not the whole answer: a source could not be read, a name could not be used by any source, or only part could be
 * deleted. `findings` say which. Also when nothing was found so far.
 * ## `"previewed"`
 * 
 * Deletion: this is what would be deleted.
 * ## `"submitted"`
 * 
 * Deletion: the vendor took the request; by the connection's settings, its end was not awaited.
 * ## `"erased"`
 * 
 * Deletion: the vendor says that it finished.
 * ## `"verified"`
 * 
 * Deletion: the vendor says that it finished, and a second search found nothing.
 * ## `"residue"`
 * 
 * Deletion: the vendor says that it finished, yet searches still find data.
 * ## `"refused"`
 * 
 * Deletion: not begun, because a guard forbids it, or because no name is of a kind that the vendor deletes by.
 * `findings` say which guard, and which names it is about.
 * ## `"failed"`
 * 
 * The vendor gave the job up. `receipt` holds its reason as a code.
 */
export type Outcome = 'found' | 'nothing-found' | 'partial' | 'previewed' | 'submitted' | 'erased' | 'verified' | 'residue' | 'refused' | 'failed';
/**
 * Whether a source answered, and why not.
 * # Variants
 * 
 * ## `"searched"`
 * 
 * ## `"not-available"`
 * 
 * ## `"not-permitted"`
 * 
 * ## `"not-usable"`
 * 
 * ## `"guarded"`
 */
export type SourceState = 'searched' | 'not-available' | 'not-permitted' | 'not-usable' | 'guarded';
/**
 * How much a source holds. Not knowing is not the same as nothing.
 */
export type Amount = AmountNothing | AmountExactly | AmountSomeData | AmountUnknown;
export interface AmountNothing {
  tag: 'nothing',
}
export interface AmountExactly {
  tag: 'exactly',
  val: bigint,
}
export interface AmountSomeData {
  tag: 'some-data',
}
export interface AmountUnknown {
  tag: 'unknown',
}
/**
 * What one source of data answered about some of the names.
 */
export interface Finding {
  /**
   * The source: `survey-responses`, `directory:POOL_012`, `user-accounts`, …; `personal-data` for whatever a deletion
   * reaches, where the vendor does not tell it apart; `all` for what concerns every source.
   */
  source: string,
  state: SourceState,
  amount: Amount,
  /**
   * Which names it is about, as indices into `request.subject`.
   */
  names: Uint32Array,
  /**
   * A stable word for what a host may act on. Guards, which `request.confirmed` may lift where the note says so:
   * `staff-account`, `own-account`. Names that cannot be used: `unknown-kind`, `no-address`. Sources that did not
   * answer in full: `too-many`, `not-permitted`, `not-answering`, `not-searchable`, `not-licensed`, …
   */
  code?: string,
  /**
   * One sentence for a person to read.
   */
  note?: string,
}
/**
 * Where the bytes of a document are.
 */
export type Content = ContentInline | ContentRemote;
/**
 * The bytes themselves: up to 64 KiB, and up to 1 MiB for all that one call answers.
 */
export interface ContentInline {
  tag: 'inline',
  val: Uint8Array,
}
/**
 * A reference for `read`: whatever does not fit. It may be logged, like a ticket. Read it soon: vendors let files
 * expire.
 */
export interface ContentRemote {
  tag: 'remote',
  val: string,
}
/**
 * A part of the answer to an access request.
 */
export interface Document {
  /**
   * A file name: unique within the report, safe in any file system, without personal data.
   */
  name: string,
  mediaType: string,
  /**
   * The `finding.source` that it came from.
   */
  source: string,
  /**
   * Its size in bytes, where that is known.
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
   * Whether the document ends with this piece.
   */
  last: boolean,
}
/**
 * Data that a request of this kind does not reach, and what a person must do instead.
 */
export interface Gap {
  /**
   * A stable word for the gap.
   */
  code: string,
  description: string,
  advice: string,
}
/**
 * A job at the vendor.
 */
export interface VendorJob {
  /**
   * What was asked: `customer-data-request`, `erasure`, `erasure-search`.
   */
  operation: string,
  id: string,
  status: string,
  created?: string,
  updated?: string,
  /**
   * Why it failed, as a code, never as the vendor's free text.
   */
  failure?: string,
}
/**
 * What was done, for the customer's audit file. It holds no personal data.
 */
export interface Receipt {
  /**
   * The connector and its version.
   */
  connector: string,
  requestKey: string,
  mode?: DeletionMode,
  jobs: Array<VendorJob>,
  submittedAt?: bigint,
  finishedAt: bigint,
}
/**
 * What went wrong.
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
 * The request cannot be served as it is written.
 * ## `"invalid-ticket"`
 * 
 * The ticket or reference is damaged, or belongs to another request.
 * ## `"unsupported"`
 * 
 * This connector cannot do this, or not yet: a ticket of a newer version, say.
 * ## `"unauthorized"`
 * 
 * The vendor does not accept the credentials.
 * ## `"forbidden"`
 * 
 * The credentials are good, but lack a permission, a role or a licence.
 * ## `"rate-limited"`
 * 
 * The vendor asks for fewer calls, or this call's share of them is used up.
 * ## `"unavailable"`
 * 
 * The vendor cannot be reached, or fails for the moment.
 * ## `"outcome-unknown"`
 * 
 * The vendor may or may not have begun: call again with `first-attempt-at`.
 * ## `"unknown-job"`
 * 
 * The vendor no longer knows its own job or file.
 * ## `"protocol"`
 * 
 * The vendor's answer makes no sense.
 */
export type ErrorKind = 'not-configured' | 'invalid-settings' | 'invalid-request' | 'invalid-ticket' | 'unsupported' | 'unauthorized' | 'forbidden' | 'rate-limited' | 'unavailable' | 'outcome-unknown' | 'unknown-job' | 'protocol';
/**
 * What the caller can do about an error.
 */
export type Remedy = RemedyRetry | RemedyRestart | RemedyOperator | RemedyGiveUp;
/**
 * The same call again, no earlier than this many milliseconds from now.
 */
export interface RemedyRetry {
  tag: 'retry',
  val: bigint,
}
/**
 * This ticket or reference is spent: begin anew with `access`, or with `delete` and `first-attempt-at`.
 */
export interface RemedyRestart {
  tag: 'restart',
}
/**
 * A person must change something first: the message says what.
 */
export interface RemedyOperator {
  tag: 'operator',
}
/**
 * No retry will help.
 */
export interface RemedyGiveUp {
  tag: 'give-up',
}
/**
 * One thing that is wrong, where several can be.
 */
export interface Problem {
  /**
   * A stable word. In errors: `setting`, `request`, `permission`, `role`, `egress`. In warnings: `not-licensed`,
   * `not-searchable`, `unproven`, `role`, `datacenter`. As `attention`: `overdue`, `unknown-status`.
   */
  code: string,
  /**
   * What it is about: a setting's key, a permission's name, an origin, a source, a place in the request such as
   * `subject[2]`. Never a value.
   */
  subject: string,
  /**
   * The rights that it stands in the way of.
   */
  blocks: Array<Right>,
  message: string,
}
/**
 * A key and its value.
 */
export interface Setting {
  key: string,
  value: string,
}
/**
 * One data-subject request, as the host tracks it. One caller at a time begins work for a key.
 */
export interface Request {
  /**
   * The host's own id for this request, the same on every retry: 1 to 128 of `A-Z a-z 0-9 . _ : -`.
   */
  key: string,
  /**
   * Every name of the person; 1 to 64. A deletion acts on these names and no others.
   */
  subject: Array<Identifier>,
  /**
   * Set when an earlier attempt ended as `outcome-unknown`: when that attempt began, noted by the host before it made
   * the call. The connector then looks for the vendor job of that attempt, and adopts it instead of making a second
   * one. A job that only reads may be made twice where the vendor keeps no list.
   */
  firstAttemptAt?: bigint,
  /**
   * Codes of guards that a person has lifted for this request: see `finding.code`.
   */
  confirmed: Array<string>,
  extra: Array<Setting>,
}
/**
 * Work that goes on at the vendor.
 */
export interface Pending {
  /**
   * What `poll` needs to go on, on this instance or any other, today or in a month: at most 4 KiB of printable ASCII,
   * without personal data or secrets, so that it may be logged. Store it before polling again. An older ticket of the
   * same request stays good.
   */
  ticket: string,
  stage: Stage,
  /**
   * Poll no earlier than this from now.
   */
  pollAfterMs: bigint,
  /**
   * When the vendor took the request; none while it has not.
   */
  submittedAt?: bigint,
  /**
   * The vendor's own word for the state of its job.
   */
  vendorStatus?: string,
  /**
   * How far this stage is, 0 to 100, where the vendor says.
   */
  percent?: number,
  /**
   * Work goes on, but a person should look: `overdue`, `unknown-status`.
   */
  attention?: Problem,
  extra: Array<Setting>,
}
/**
 * The last word about a request.
 */
export interface Report {
  right: Right,
  outcome: Outcome,
  findings: Array<Finding>,
  documents: Array<Document>,
  /**
   * Further names that were found through the given ones. Nothing was deleted under them: a person confirms them, and
   * the host asks again.
   */
  alsoKnownAs: Array<Identifier>,
  gaps: Array<Gap>,
  receipt: Receipt,
  /**
   * Outcome `submitted`: another ticket, which follows the job to its end whatever the settings say.
   */
  ticket?: string,
  extra: Array<Setting>,
}
/**
 * Where a request stands.
 */
export type Progress = ProgressPending | ProgressDone;
/**
 * Work goes on: call `poll` with this ticket.
 */
export interface ProgressPending {
  tag: 'pending',
  val: Pending,
}
/**
 * The last word: keep it. Asking again gives the same outcome as long as vendor and data are unchanged; documents
 * and receipt are then built anew.
 */
export interface ProgressDone {
  tag: 'done',
  val: Report,
}
/**
 * An error holds no personal data, no secret, and nothing of a vendor's answer but its codes. Unless its kind is
 * `outcome-unknown`, this call began nothing; a ticket given before stays good unless the remedy is `restart`.
 */
export interface Error {
  kind: ErrorKind,
  remedy: Remedy,
  /**
   * One sentence for a person to read.
   */
  message: string,
  /**
   * All that is wrong, so that it can be put right at once.
   */
  problems: Array<Problem>,
  httpStatus?: number,
  vendorCode?: string,
  vendorRequestId?: string,
  extra: Array<Setting>,
}
/**
 * What kind of value a setting takes. A `secret` is never shown again; an `origin` is a scheme, a host and a port.
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
 * A field of the form in which an operator sets a connection up. A key once published is accepted for ever.
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
 * A permission that an operator must grant at the vendor.
 */
export interface Permission {
  name: string,
  neededFor: Array<Right>,
}
/**
 * How a connector serves one right.
 */
export interface Capability {
  right: Right,
  /**
   * Whether the vendor works on it after the call returns.
   */
  asynchronous: boolean,
  /**
   * Whether everything goes or nothing does, with no choice of records.
   */
  wholeRecord: boolean,
  /**
   * The identifier cases that it can use.
   */
  identifiers: Array<string>,
  /**
   * After this long a pending request gets `attention`.
   */
  overdueAfterMs: bigint,
}
/**
 * A limit that the vendor sets for one tenant, whoever calls. A host that runs several instances may keep it for all
 * of them: it answers a request beyond the limit itself, with 429 and `Retry-After`, and the connector takes that for
 * the vendor's answer. A host that cannot answer for the vendor leaves the limits to each connector's own share.
 */
export interface RateLimit {
  name: string,
  methods: Array<string>,
  pathPrefix: string,
  callsPerMinute: number,
}
/**
 * What a connector is and needs.
 */
export interface Manifest {
  name: string,
  title: string,
  version: string,
  capabilities: Array<Capability>,
  settings: Array<SettingField>,
  permissions: Array<Permission>,
  limits: Array<RateLimit>,
  /**
   * The origins that the connector may have to reach: `https://*.example.com`.
   */
  egress: Array<string>,
  gaps: Array<Gap>,
  extra: Array<Setting>,
}
/**
 * What `check` found.
 */
export interface Connection {
  /**
   * The vendor's name for the customer's tenant, its region, and the account that acts, with its role.
   */
  tenant: string,
  region: string,
  account: string,
  role: string,
  /**
   * The permissions that were proved.
   */
  granted: Array<string>,
  /**
   * The origins that this connection reaches, of those that the manifest names.
   */
  egress: Array<string>,
  warnings: Array<Problem>,
  extra: Array<Setting>,
}
/**
 * A request that is under way, and its ticket.
 */
export interface Task {
  request: Request,
  ticket: string,
}
export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
