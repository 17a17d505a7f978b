/** What is the same for one request and for many: delays, and what waits for what. */

import { comparable } from "./entry.js";
import { ConnectorError } from "./errors.js";

/**
 * @import * as Contract from "./contract.js"
 * @import { Request } from "./connector.js"
 * @import { Entry } from "./entry.js"
 * @import { CallLost } from "./errors.js"
 */

/** The delay after a call without a result. */
export const LOST_CALL_DELAY_MS = 30_000;

/** After this many calls in a row without a result, a request ends: an operator has to look. */
export const MAX_LOST_CALLS = 5;

/** The connector rejects attempts that are further in the future. A clock that was set back causes that. */
const MAX_CLOCK_SKEW_MS = 24 * 3600 * 1000;

/**
 * For each entry, the indices of the access requests that a deletion waits for: those that share an identifier.
 *
 * @param {Entry[]} entries
 */
export function heldBy(entries) {
  /** @type {Map<string, number[]>} */
  const accesses = new Map();
  for (const [index, { operation, subject }] of entries.entries()) {
    for (const identifier of operation === "access" ? subject.map(comparable) : []) {
      accesses.set(identifier, [...(accesses.get(identifier) ?? []), index]);
    }
  }
  return entries.map(({ isDeletion, subject }) =>
    isDeletion ? subject.flatMap((identifier) => accesses.get(comparable(identifier)) ?? []) : [],
  );
}

/**
 * Whether a call is due. A time that is further ahead than any delay is due: the clock was set back.
 *
 * @param {number} dueAtMs
 * @param {number} now
 */
export function isDue(dueAtMs, now) {
  return dueAtMs <= now || dueAtMs - now > MAX_CLOCK_SKEW_MS;
}

/**
 * Whether an attempt is further in the future than the connector accepts.
 *
 * @param {Request} request
 * @param {number} now
 */
export function isFromTheFuture({ attempts }, now) {
  return Number(attempts?.lastAt ?? 0) * 1000 > now + MAX_CLOCK_SKEW_MS;
}

export function clockWasSetBack() {
  return forOperator(
    "outcome-unknown",
    "An earlier attempt of this deletion is more than a day in the future, because a clock was set back: look for the deletion " +
      "at the vendor, and start the request again without attempts if it is not there.",
  );
}

/**
 * The error with which a request ends after too many calls without a result.
 *
 * @param {Entry} entry
 * @param {CallLost} lost
 */
export function lostCallError({ ticket, attempts }, lost) {
  return forOperator(ticket === null && attempts ? "outcome-unknown" : "unexpected-response", lost.message);
}

/**
 * @param {Contract.ErrorKind} kind
 * @param {string} message
 */
function forOperator(kind, message) {
  return new ConnectorError({ kind, remedy: { tag: "operator" }, message, problems: [] });
}
