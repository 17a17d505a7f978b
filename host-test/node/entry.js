/** A request and its state. Everything that is decided between two calls is decided here, without I/O. */

import { createHash } from "node:crypto";
import { ConnectorError } from "./errors.js";

/**
 * @import * as Contract from "./contract.js"
 * @import { Request, Result, Task } from "./connector.js"
 *
 * @typedef {"access" | "opt-out" | Contract.DeletionMode} Operation
 *   what a request asks for: access, opt-out, or a deletion in this mode
 *
 * @typedef {object} End  how a request ended; it holds no personal data
 * @property {number} at  in seconds since the Unix epoch
 * @property {Contract.Outcome} [outcome]
 * @property {Failure} [error]  the error that no retry removes
 * @property {string[]} jobs  the IDs of the vendor's jobs
 * @property {[source: string, code: string][]} findings  those that an operator has to see
 *
 * @typedef {object} Failure
 * @property {Contract.ErrorKind} kind
 * @property {Contract.Remedy["tag"]} remedy
 * @property {string} message
 * @property {Contract.Problem[]} problems
 *
 * @typedef {{ firstAt: number, lastAt: number }} Attempts  in seconds since the Unix epoch
 *
 * @typedef {object} State  what is stored of an entry
 * @property {string} id
 * @property {Contract.Identifier[]} subject
 * @property {string[]} overrides
 * @property {Attempts | null} attempts  the earlier attempts that the next call has to know
 * @property {Operation} operation
 * @property {number} subjectCheck  tells whether another request with the same ID has the same identifiers
 * @property {string | null} ticket  the latest ticket
 * @property {string | null} group  the vendor job that the ticket shares with other requests: they are polled together
 * @property {number} dueAtMs  no call before this time, in milliseconds since the Unix epoch
 * @property {number | null} attemptAt  when the attempt in progress started
 * @property {End | null} end  how the request ended, if it has
 */

/** A connector that returns `restart` every time must not cause a busy loop. */
const MIN_DELAY_MS = 1000;

/** Codes of findings about searched sources that an operator has to see nevertheless. */
const CODES_TO_REVIEW = ["similar-identifier", "no-country-code", "not-itemised", "shared-job"];

const OPERATIONS = ["access", "opt-out", "preview", "erase", "erase-and-verify"];

/**
 * A request and its state, as the host stores it: `JSON.stringify(entry)` and {@link Entry.parse}.
 *
 * `attempts` covers the earlier attempts that the next call has to know: those whose outcome is unknown and, while a ticket is
 * followed, those that may have started its job. An attempt is stored before its call. Its call is given only the attempts
 * before it. A result other than `outcome-unknown` removes it; a lost call keeps it.
 */
export class Entry {
  /** @type {State} */
  #state;

  /**
   * A request that has not been started. Its `attempts` are those that the caller knows of.
   *
   * @param {Request} request
   * @param {Operation} operation
   */
  constructor({ id, subject, attempts, overrides = [] }, operation) {
    if (!OPERATIONS.includes(operation)) {
      throw new TypeError(`${operation} is no operation: a deletion is named by its mode`);
    }
    const subjectCheck = check(subject);
    const known = attempts ? { firstAt: Number(attempts.firstAt), lastAt: Number(attempts.lastAt) } : null;
    const next = { ticket: null, group: null, dueAtMs: 0, attemptAt: null, end: null };
    this.#state = { id, subject, overrides, attempts: known, operation, subjectCheck, ...next };
  }

  /**
   * The entry that `JSON.stringify` wrote.
   *
   * @param {string} text
   */
  static parse(text) {
    /** @type {State} */
    const state = JSON.parse(text);
    const entry = new Entry({ id: state.id, subject: state.subject }, state.operation);
    const missing = Object.keys(entry.#state).filter((name) => !(name in state));
    if (missing.length > 0) {
      throw new TypeError(`the text is not an entry: it has no ${missing.join(", ")}`);
    }
    Object.assign(entry.#state, state);
    return entry;
  }

  /** The state. It contains the identifiers until the request has ended, and the ticket. */
  toJSON() {
    return { ...this.#state };
  }

  /** A copy, which changes of this entry do not affect. */
  clone() {
    return Entry.parse(JSON.stringify(this));
  }

  /** The host's ID of the request. */
  get id() {
    return this.#state.id;
  }

  /** The identifiers of the data subject; empty once the request has ended for good. */
  get subject() {
    return this.#state.subject;
  }

  get operation() {
    return this.#state.operation;
  }

  get ticket() {
    return this.#state.ticket;
  }

  get group() {
    return this.#state.group;
  }

  get attempts() {
    return this.#state.attempts;
  }

  get dueAtMs() {
    return this.#state.dueAtMs;
  }

  get end() {
    return this.#state.end;
  }

  /** Whether the operation is a deletion, in any mode. */
  get isDeletion() {
    return this.operation !== "access" && this.operation !== "opt-out";
  }

  /** Whether the request is in progress, or ended with an error that an operator can fix. */
  get isOpen() {
    return !this.end || this.end.error?.remedy === "operator";
  }

  /** The task of the next `poll`; undefined if the request has not been started. @returns {Task | undefined} */
  get task() {
    return this.ticket === null ? undefined : { request: this.#request(null), ticket: this.ticket };
  }

  /**
   * This new entry, continued from the state of `stored`, which must be the same request. A request that ended with an error
   * that an operator can fix is open again; so is a refused one if its overrides have changed. Any other request that has
   * ended stays as it is.
   *
   * @param {Entry} stored
   * @returns {Entry}
   */
  resume(stored) {
    const [mine, old] = [this.#state, stored.#state];
    if (mine.id !== old.id || mine.operation !== old.operation || mine.subjectCheck !== old.subjectCheck) {
      throw new Error("the stored entry is another request: the operation or an identifier has changed");
    }
    // The process that made this attempt has no result of it.
    stored.#countAttempt();
    const overridesChanged = JSON.stringify(mine.overrides) !== JSON.stringify(old.overrides);
    const isRefused = old.end?.outcome === "refused" && overridesChanged;
    if (old.end && !isRefused && (!old.end.error || old.end.error.remedy === "give-up")) {
      return stored;
    }
    mine.attempts = old.attempts ?? mine.attempts;
    // A ticket of a refused request leads to the same refusal.
    if (!isRefused) {
      [mine.ticket, mine.group] = [old.ticket, old.group];
    }
    mine.dueAtMs = old.end ? 0 : old.dueAtMs;
    return this;
  }

  /** Forgets all attempts. Only an operator who has looked in the vendor's own system can decide this. */
  forgetAttempts() {
    this.#state.attemptAt = null;
    this.#state.attempts = null;
  }

  /**
   * Records that the call that starts the request is about to be made, and returns the request of that call: its attempts are
   * those before this one. Only attempts of a deletion count; the other calls are safe to repeat.
   *
   * @param {number} nowS
   */
  startAttempt(nowS) {
    this.#countAttempt();
    if (this.isDeletion) {
      this.#state.attemptAt = nowS;
    }
    return this.#request(this.attempts);
  }

  /**
   * Records the result of the call that was due. A report ends the request only with {@link complete}.
   *
   * @param {Result} result
   * @param {number} nowMs
   */
  recordResult(result, nowMs) {
    if (result instanceof ConnectorError) {
      if (result.kind === "outcome-unknown") {
        this.#countAttempt();
      }
      this.#state.attemptAt = null;
      this.recordError(result, nowMs);
    } else if (result.tag === "pending") {
      // This attempt or an earlier one started the job. `restart` has to find it.
      this.#countAttempt();
      this.#state.ticket = result.val.ticket;
      this.#state.group = result.val.group ?? null;
      this.#state.dueAtMs = nowMs + Number(result.val.pollAfterMs);
    }
    // After a report, the attempt stays until the end is stored: after a crash in between, the next start has to find its job.
  }

  /**
   * Records an error of the call that was due, or of reading the documents of its report.
   *
   * @param {Pick<ConnectorError, "kind" | "remedy" | "message" | "problems">} error
   * @param {number} nowMs
   */
  recordError({ kind, remedy, message, problems }, nowMs) {
    if (remedy.tag === "retry") {
      this.#state.dueAtMs = nowMs + Number(remedy.val);
    } else if (remedy.tag === "restart") {
      Object.assign(this.#state, { ticket: null, group: null, dueAtMs: nowMs + MIN_DELAY_MS });
    } else {
      const error = { kind, remedy: remedy.tag, message, problems };
      this.#close({ at: Math.floor(nowMs / 1000), error, jobs: [], findings: [] });
    }
  }

  /**
   * Records that the call that was due returned no result. Its attempt counts, and may have reached the vendor at any time
   * until now.
   *
   * @param {number} nowMs
   * @param {number} delayMs
   */
  recordLostCall(nowMs, delayMs) {
    this.#countAttempt(Math.floor(nowMs / 1000));
    this.#state.dueAtMs = nowMs + delayMs;
  }

  /**
   * Postpones the next call by at least a second from now.
   *
   * @param {number} nowMs
   */
  postpone(nowMs) {
    this.#state.dueAtMs = Math.max(this.dueAtMs, nowMs + MIN_DELAY_MS);
  }

  /**
   * Records the final result, and removes the attempt in progress and the identifiers.
   *
   * @param {Contract.Report} report
   */
  complete({ outcome, receipt, findings }) {
    this.#state.attemptAt = null;
    /** @type {Map<string, [string, string]>} */
    const toReview = new Map();
    for (const { source, state, code } of findings) {
      if (code && (state !== "searched" || CODES_TO_REVIEW.includes(code))) {
        toReview.set(`${source} ${code}`, [source, code]);
      }
    }
    const jobs = receipt.jobs.map(({ id }) => id);
    this.#close({ at: Number(receipt.finishedAt), outcome, jobs, findings: [...toReview.values()] });
  }

  /**
   * The attempt in progress belongs to the attempts that the next start is given. A clock that was set back must not make the
   * latest attempt earlier than the earliest one.
   *
   * @param {number} [untilS]
   */
  #countAttempt(untilS = 0) {
    const at = this.#state.attemptAt;
    if (at === null) {
      return;
    }
    const { firstAt, lastAt } = this.attempts ?? { firstAt: at, lastAt: at };
    this.#state.attempts = { firstAt: Math.min(firstAt, at), lastAt: Math.max(lastAt, at, untilS) };
    this.#state.attemptAt = null;
  }

  /**
   * @param {Attempts | null} attempts
   * @returns {Request}
   */
  #request(attempts) {
    const { id, subject, overrides } = this.#state;
    const known = attempts && { firstAt: BigInt(attempts.firstAt), lastAt: BigInt(attempts.lastAt) };
    return { id, subject, overrides, ...(known ? { attempts: known } : {}) };
  }

  /** @param {End} end */
  #close(end) {
    this.#state.end = end;
    if (!this.isOpen) {
      this.#state.subject = [];
    }
  }
}

/**
 * Equal for two identifiers that the contract compares as equal.
 *
 * @param {Contract.Identifier} identifier
 */
export function comparable({ tag, val }) {
  const [kind, value] = typeof val === "string" ? [tag, val] : val;
  return `${kind.trim()}\0${tag === "email" ? value.trim().toLowerCase() : value.trim()}\0`;
}

/**
 * 20 bits on purpose: enough to notice a mistake, too few to confirm a guessed identifier.
 *
 * @param {Contract.Identifier[]} subject
 */
function check(subject) {
  return createHash("sha256").update(subject.map(comparable).join("")).digest().readUIntBE(0, 3) >> 4;
}
