/** What an entry makes of results. These are the rules of `host-test/host/src/follow/entry.rs`. */

import assert from "node:assert/strict";
import test from "node:test";
import { ConnectorError, Entry } from "../connector.js";

/**
 * @import * as Contract from "../contract.js"
 */

/** @type {Contract.Identifier[]} */
const SUBJECT = [{ tag: "email", val: "Ada@example.org" }];
const REQUEST = { id: "dsr-1", subject: SUBJECT };

const deletion = () => new Entry(REQUEST, "erase");
const stored = (/** @type {Entry} */ entry) => Entry.parse(JSON.stringify(entry));

/**
 * @param {Contract.ErrorKind} kind
 * @param {Contract.Remedy} remedy
 */
const error = (kind, remedy) => new ConnectorError({ kind, remedy, message: "It did not work.", problems: [] });
const unknown = () => error("outcome-unknown", { tag: "retry", val: 1000n });

/** @returns {Contract.Progress} */
const pending = () => ({
  tag: "pending",
  val: { ticket: "t1", stage: "deleting", pollAfterMs: 30_000n, group: "job-1" },
});

/**
 * @param {Contract.Outcome} outcome
 * @param {Contract.Finding[]} findings
 * @returns {Contract.Report}
 */
const report = (outcome, findings = []) => ({
  right: "deletion",
  outcome,
  findings,
  documents: [],
  discovered: [],
  gaps: [],
  receipt: { connector: "connector 1", requestId: "dsr-1", jobs: [], finishedAt: 1000n },
});

const attempts = (/** @type {number} */ first, /** @type {number} */ last) => ({ firstAt: BigInt(first), lastAt: BigInt(last) });

test("a call is given only the attempts before its own", () => {
  const entry = deletion();
  assert.equal(entry.startAttempt(100).attempts, undefined);
  assert.deepEqual(stored(entry).startAttempt(200).attempts, attempts(100, 100));
});

test("several lost calls keep the first attempt and move the last", () => {
  const entry = deletion();
  entry.startAttempt(100);
  entry.recordLostCall(101_000, 30_000);
  assert.equal(entry.dueAtMs, 131_000);
  // The lost call may have reached the vendor until it was recorded.
  assert.deepEqual(entry.startAttempt(200).attempts, attempts(100, 101));
  const again = stored(entry);
  assert.deepEqual(again.startAttempt(300).attempts, attempts(100, 200));
  again.recordResult(unknown(), 301_000);
  assert.deepEqual(again.startAttempt(400).attempts, attempts(100, 300));
});

test("a result other than outcome-unknown removes its own attempt and no other", () => {
  const entry = deletion();
  entry.startAttempt(100);
  entry.recordResult(error("rate-limited", { tag: "retry", val: 5000n }), 101_000);
  assert.deepEqual([entry.attempts, entry.dueAtMs], [null, 106_000]);
  entry.startAttempt(200);
  entry.recordResult(unknown(), 200_000);
  entry.startAttempt(300);
  entry.recordResult(error("unavailable", { tag: "retry", val: 1n }), 300_000);
  assert.deepEqual(entry.startAttempt(400).attempts, attempts(200, 200));
});

test("a clock that was set back leaves the attempts in order", () => {
  const entry = deletion();
  for (const second of [200, 100]) {
    entry.startAttempt(second);
    entry.recordLostCall(second * 1000, 1);
  }
  assert.deepEqual(entry.attempts, { firstAt: 100, lastAt: 200 });
});

test("a spent ticket of a deletion restarts with the attempts of the accepted job", () => {
  const entry = deletion();
  entry.startAttempt(100);
  entry.recordLostCall(100_000, 1);
  entry.startAttempt(200);
  entry.recordResult(pending(), 200_000);
  assert.deepEqual([entry.dueAtMs, entry.group], [230_000, "job-1"]);
  const { task } = stored(entry);
  assert.deepEqual([task?.ticket, task?.request.attempts], ["t1", undefined]);
  entry.recordResult(error("invalid-ticket", { tag: "restart" }), 300_000);
  assert.deepEqual([entry.task, entry.group, entry.dueAtMs], [undefined, null, 301_000]);
  assert.deepEqual(entry.startAttempt(301).attempts, attempts(100, 200));
});

test("operations that are safe to repeat have no attempts", () => {
  for (const operation of /** @type {const} */ (["access", "opt-out"])) {
    const entry = new Entry(REQUEST, operation);
    entry.startAttempt(100);
    entry.recordLostCall(100_000, 1);
    assert.equal(entry.startAttempt(200).attempts, undefined);
  }
});

test("a crash between the report and its end keeps the attempt", () => {
  const entry = deletion();
  entry.startAttempt(100);
  entry.recordResult({ tag: "done", val: report("submitted") }, 100_000);
  assert.deepEqual(stored(entry).startAttempt(200).attempts, attempts(100, 100));
  entry.complete(report("submitted"));
  assert.deepEqual([entry.end?.outcome, entry.attempts], ["submitted", null]);
});

test("identifiers are removed at the end unless the request may continue", () => {
  const [failed, givenUp, done] = [deletion(), deletion(), deletion()];
  failed.recordResult(error("forbidden", { tag: "operator" }), 100_000);
  assert.deepEqual([failed.subject, deletion().resume(stored(failed)).end], [SUBJECT, null]);
  givenUp.recordResult(error("invalid-request", { tag: "give-up" }), 100_000);
  done.complete(report("deleted"));
  for (const ended of [givenUp, done]) {
    assert.ok(!JSON.stringify(ended).includes("example.org"));
    assert.notEqual(deletion().resume(stored(ended)).end, null);
  }
});

test("a refused request continues only if its overrides have changed", () => {
  const refused = deletion();
  refused.startAttempt(100);
  refused.recordLostCall(100_000, 1);
  refused.recordResult(pending(), 100_000);
  refused.complete(report("refused"));
  assert.notEqual(deletion().resume(stored(refused)).end, null);
  const resumed = new Entry({ ...REQUEST, overrides: ["staff-account"] }, "erase").resume(stored(refused));
  // A ticket of a refused request leads to the same refusal, and a refusal does not settle an earlier attempt.
  assert.deepEqual([resumed.end, resumed.ticket, resumed.attempts], [null, null, { firstAt: 100, lastAt: 100 }]);
});

test("a stored entry of another request is rejected", () => {
  const spelled = new Entry({ id: "dsr-1", subject: [{ tag: "email", val: "ADA@example.org " }] }, "erase");
  assert.equal(spelled.resume(stored(deletion())), spelled);
  const stranger = new Entry({ id: "dsr-1", subject: [{ tag: "email", val: "stranger@example.org" }] }, "erase");
  for (const other of [stranger, new Entry(REQUEST, "erase-and-verify")]) {
    assert.throws(() => other.resume(stored(deletion())), /another request/);
  }
});

test("the end lists the findings that an operator has to see", () => {
  const finding = (/** @type {Contract.SourceState} */ state, /** @type {string | undefined} */ code) =>
    /** @type {Contract.Finding} */ ({ source: "all", state, amount: { tag: "unknown" }, identifiers: new Uint32Array(), code });
  const entry = deletion();
  const similar = finding("searched", "similar-identifier");
  const seen = [finding("searched", undefined), finding("searched", "vendor-count"), similar, similar];
  entry.complete(report("partial", [...seen, finding("not-permitted", "not-permitted")]));
  assert.deepEqual(stored(entry).end?.findings, [
    ["all", "similar-identifier"],
    ["all", "not-permitted"],
  ]);
});

test("an operator who looked at the vendor can have the attempts forgotten", () => {
  const entry = deletion();
  entry.startAttempt(100);
  entry.recordResult(error("outcome-unknown", { tag: "operator" }), 100_000);
  const resumed = deletion().resume(stored(entry));
  assert.deepEqual(resumed.attempts, { firstAt: 100, lastAt: 100 });
  resumed.forgetAttempts();
  assert.equal(resumed.startAttempt(200).attempts, undefined);
});

test("what is not an entry or an operation is rejected", () => {
  // @ts-expect-error a deletion is named by its mode
  assert.throws(() => new Entry(REQUEST, "deletion"), /named by its mode/);
  assert.throws(() => Entry.parse('{"id":"dsr-1","subject":[],"operation":"access"}'), /is not an entry/);
});
