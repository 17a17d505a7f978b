/** Makes the calls of several requests, each when it is due, and repeats them as their remedies say. */

import { setTimeout as delay } from "node:timers/promises";
import { CallLost, ConnectorError } from "./errors.js";
import { LOST_CALL_DELAY_MS, MAX_LOST_CALLS, clockWasSetBack, heldBy, isDue, isFromTheFuture, lostCallError } from "./rules.js";

/**
 * @import * as Contract from "./contract.js"
 * @import { Connector, Request, Result } from "./connector.js"
 * @import { Entry } from "./entry.js"
 *
 * @typedef {{ tag: "starting" } | Contract.Progress | { tag: "completed" } | { tag: "failed", val: ConnectorError }
 *   | { tag: "lost", val: CallLost }} Event  what happened to a request:
 *   - `starting`: the call that starts the request is about to be made.
 *   - `pending`: it is in progress, and polled at `entry.dueAtMs`.
 *   - `done`: the final report. Save its documents, then call `confirm`. A report that is not confirmed is returned again.
 *   - `completed`: the report was confirmed, and `entry.end` has the outcome.
 *   - `failed`: the call returned an error. It is repeated if the remedy says so; otherwise `entry.end` has the error.
 *   - `lost`: the call ended without a result. It is repeated; after several in a row, `entry.end` has an error.
 *
 * @typedef {{ now(): number, sleep(ms: number): Promise<unknown> }} Clock  in milliseconds; tests replace it
 *
 * @typedef {{ wait: number } | { poll: number[] } | { start: number } | undefined} Step
 *
 * @typedef {object} Followed
 * @property {Entry} entry
 * @property {number[]} heldBy  the access requests that a deletion waits for
 * @property {{ request: Request, at: number } | undefined} attempt  the attempt that was returned, and whose call is next
 * @property {Entry | undefined} confirmed  the entry as it will be once the returned report is confirmed
 * @property {number} lostCalls
 */

/** The tasks of one call of `poll`. More could exceed the limits of an instance. */
const MAX_TASKS = 50;

/**
 * An attempt is only made if it was returned for storage less than this long ago. A connector concludes from the time of an
 * attempt since when the vendor must show its job.
 */
const MAX_ATTEMPT_AGE_MS = 30_000;

/** A longer delay would end at once. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

/** @type {Clock} */
const SYSTEM_CLOCK = { now: Date.now, sleep: (ms) => delay(ms) };

/** A change of a request. Store `entry` before the next update is requested. */
export class Update {
  #follower;
  #index;

  /**
   * @param {{ confirm(index: number): void, fail(index: number, error: ConnectorError | CallLost): void }} follower
   * @param {number} index
   * @param {Entry} entry
   * @param {Event} event
   */
  constructor(follower, index, entry, event) {
    this.#follower = follower;
    this.#index = index;
    /** The state of the request. */
    this.entry = entry;
    /** What happened. */
    this.event = event;
  }

  /** Confirms that the documents of this report are saved. The next update is `completed`. */
  confirm() {
    this.#follower.confirm(this.#index);
  }

  /**
   * Records that the documents of this report could not be read, in place of {@link confirm}. The next update is the error; the
   * request is polled again if the remedy says so.
   *
   * @param {unknown} error  thrown again, unless it is one of `read`
   */
  fail(error) {
    if (!(error instanceof ConnectorError || error instanceof CallLost)) {
      throw error;
    }
    this.#follower.fail(this.#index, error);
  }
}

/**
 * Follows requests to their end.
 *
 * ```js
 * for await (const update of connector.follow([request])) {
 *   await store(update.entry);
 *   if (update.event.tag === "done") {
 *     await save(connector, update.event.val);
 *     update.confirm();
 *   }
 * }
 * ```
 *
 * The program may stop at any point. `connector.resume` continues from the stored entries, on any machine: nothing is started
 * twice, and a report that was not confirmed is returned again.
 *
 * Requests in progress come before new ones. A deletion waits until an access request that shares an identifier has ended, with
 * any outcome: a program that needs a complete copy first follows the deletion after it has seen that outcome. Each request is
 * started by a call of its own.
 */
export class Follower {
  #connector;
  #clock;
  #followed;
  /** @type {[number, Event][]} */
  #events = [];
  /** @type {number | undefined} */
  #reported;

  /**
   * @param {Connector} connector
   * @param {Iterable<Entry>} entries
   * @param {Clock} [clock]
   */
  constructor(connector, entries, clock = SYSTEM_CLOCK) {
    this.#connector = connector;
    this.#clock = clock;
    const all = [...entries];
    const held = heldBy(all);
    this.#followed = all.map((entry, index) => {
      return /** @type {Followed} */ ({ entry, heldBy: held[index], attempt: undefined, confirmed: undefined, lostCalls: 0 });
    });
  }

  /** The entries of all requests. */
  get entries() {
    return this.#followed.map(({ entry }) => entry);
  }

  /** @returns {AsyncGenerator<Update, void, void>} */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      this.#reopenUnconfirmed();
      const update = await this.#next();
      if (!update) {
        return;
      }
      yield update;
    }
  }

  /** A report that was returned and not confirmed is requested again, after a while. */
  #reopenUnconfirmed() {
    if (this.#reported !== undefined) {
      this.#takeReport(this.#reported).entry.postpone(this.#clock.now());
    }
  }

  /** @returns {Promise<Update | undefined>} */
  async #next() {
    for (;;) {
      const next = this.#events.shift();
      if (next) {
        const [index, event] = next;
        this.#reported = event.tag === "done" ? index : undefined;
        const follower = { confirm: this.#confirm.bind(this), fail: this.#fail.bind(this) };
        return new Update(follower, index, this.#at(index).entry, event);
      }
      const step = this.#step();
      if (!step) {
        return undefined;
      }
      if ("wait" in step) {
        await this.#clock.sleep(Math.min(step.wait, MAX_SLEEP_MS));
      } else if ("poll" in step) {
        const tasks = step.poll.flatMap((index) => this.#at(index).entry.task ?? []);
        await this.#call(step.poll, () => this.#connector.poll(tasks));
      } else {
        await this.#start(step.start);
      }
    }
  }

  /** @returns {Step} */
  #step() {
    // The time of a stored attempt must not grow old before its call.
    const started = this.#followed.findIndex(({ attempt }) => attempt);
    if (started >= 0) {
      return { start: started };
    }
    const now = this.#clock.now();
    /** @type {number[]} */
    const due = [];
    /** @type {number[]} */
    const single = [];
    /** @type {number[]} */
    const start = [];
    let earliest = Infinity;
    for (const [index, followed] of this.#followed.entries()) {
      const { entry, lostCalls } = followed;
      if (entry.end || this.#isHeld(followed)) {
        continue;
      }
      if (!isDue(entry.dueAtMs, now)) {
        earliest = Math.min(earliest, entry.dueAtMs);
      } else if (entry.ticket === null) {
        start.push(index);
      } else {
        // A ticket of a lost call may be what the connector cannot cope with.
        (lostCalls > 0 ? single : due).push(index);
      }
    }
    if (due.length > 0) {
      return { poll: this.#together(due) };
    }
    if (single[0] !== undefined) {
      return { poll: [single[0]] };
    }
    if (start[0] !== undefined) {
      return { start: start[0] };
    }
    return earliest === Infinity ? undefined : { wait: earliest - now };
  }

  /**
   * Whether the request waits for an access request: data must be collected before it is deleted.
   *
   * @param {Followed} followed
   */
  #isHeld({ entry, heldBy }) {
    return entry.ticket === null && heldBy.some((access) => this.#at(access).entry.isOpen);
  }

  /**
   * The requests of one call. All requests of a group are polled when one of them is due: that takes one look-up of their job,
   * and one verifying search. The same request ID twice in a call is invalid.
   *
   * @param {number[]} due
   */
  #together(due) {
    /** @type {Map<string, number>} */
    const chosen = new Map();
    for (const index of due) {
      const { group } = this.#at(index).entry;
      const members = group === null ? [index] : this.#members(group);
      const added = members.filter((member) => ![...chosen.values()].includes(member));
      if (chosen.size > 0 && chosen.size + added.length > MAX_TASKS) {
        break;
      }
      for (const member of added) {
        const { id } = this.#at(member).entry;
        if (!chosen.has(id) && chosen.size < MAX_TASKS) {
          chosen.set(id, member);
        }
      }
    }
    return [...chosen.values()];
  }

  /** @param {string} group */
  #members(group) {
    return [...this.#followed.keys()].filter((index) => {
      const { entry, lostCalls } = this.#at(index);
      return entry.group === group && !entry.end && lostCalls === 0;
    });
  }

  /**
   * First returns `starting`, so that the attempt is stored; then makes the call.
   *
   * @param {number} index
   */
  async #start(index) {
    const followed = this.#at(index);
    const { entry, attempt } = followed;
    const now = this.#clock.now();
    followed.attempt = undefined;
    if (!attempt || now - attempt.at > MAX_ATTEMPT_AGE_MS) {
      followed.attempt = { request: entry.startAttempt(Math.floor(now / 1000)), at: now };
      this.#events.push([index, { tag: "starting" }]);
      return;
    }
    const { request } = attempt;
    if (isFromTheFuture(request, now)) {
      this.#record(index, clockWasSetBack());
      return;
    }
    const { operation } = entry;
    await this.#call([index], () =>
      operation === "access"
        ? this.#connector.access([request])
        : operation === "opt-out"
          ? this.#connector.optOut([request])
          : this.#connector.delete([request], operation),
    );
  }

  /**
   * @param {number[]} indices
   * @param {() => Promise<Result[]>} call
   */
  async #call(indices, call) {
    let results;
    try {
      results = await call();
    } catch (error) {
      for (const index of indices) {
        this.#events.push([index, this.#lose(index, error instanceof CallLost ? error : new CallLost(String(error)))]);
      }
      if (error instanceof CallLost) {
        return;
      }
      throw error;
    }
    for (const [at, index] of indices.entries()) {
      this.#at(index).lostCalls = 0;
      this.#record(index, /** @type {Result} */ (results[at]));
    }
  }

  /**
   * @param {number} index
   * @param {Result} result
   */
  #record(index, result) {
    const followed = this.#at(index);
    const now = this.#clock.now();
    followed.entry.recordResult(result, now);
    // Whatever delay the connector asks for, it cannot cause a busy loop.
    followed.entry.postpone(now);
    if (result instanceof ConnectorError) {
      this.#events.push([index, { tag: "failed", val: result }]);
      return;
    }
    if (result.tag === "done") {
      followed.confirmed = followed.entry.clone();
      followed.confirmed.complete(result.val);
    }
    this.#events.push([index, result]);
  }

  /**
   * @param {number} index
   * @param {CallLost} error
   */
  #lose(index, error) {
    const followed = this.#at(index);
    const now = this.#clock.now();
    followed.lostCalls += 1;
    followed.entry.recordLostCall(now, LOST_CALL_DELAY_MS);
    if (followed.lostCalls >= MAX_LOST_CALLS) {
      followed.entry.recordError(lostCallError(followed.entry, error), now);
    }
    return { tag: /** @type {const} */ ("lost"), val: error };
  }

  /** @param {number} index */
  #confirm(index) {
    const followed = this.#at(index);
    const { confirmed } = followed;
    this.#takeReport(index);
    if (confirmed) {
      followed.entry = confirmed;
      this.#events.unshift([index, { tag: "completed" }]);
    }
  }

  /**
   * @param {number} index
   * @param {ConnectorError | CallLost} error
   */
  #fail(index, error) {
    const { entry } = this.#takeReport(index);
    if (error instanceof CallLost) {
      this.#events.unshift([index, this.#lose(index, error)]);
      return;
    }
    const now = this.#clock.now();
    entry.recordError(error, now);
    entry.postpone(now);
    this.#events.unshift([index, { tag: "failed", val: error }]);
  }

  /** @param {number} index */
  #takeReport(index) {
    if (this.#reported !== index) {
      throw new Error("only the report of the latest update can be confirmed or fail");
    }
    this.#reported = undefined;
    const followed = this.#at(index);
    followed.confirmed = undefined;
    return followed;
  }

  /** @param {number} index */
  #at(index) {
    return /** @type {Followed} */ (this.#followed[index]);
  }
}
