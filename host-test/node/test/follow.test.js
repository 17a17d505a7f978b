/** Requests followed to their end, against the simulator. These are the rules of `host-test/host/src/follow/follower.rs`. */

import assert from "node:assert/strict";
import test, { after, afterEach, before, beforeEach } from "node:test";
import { CallLost, ConnectorError, Entry, Plugin } from "../connector.js";
import { Follower } from "../follow.js";
import { Clock } from "./clock.js";
import { Simulator } from "./simulator.js";

/**
 * @import * as Contract from "../contract.js"
 * @import { Connector, Result, Task } from "../connector.js"
 * @import { Operation } from "../entry.js"
 * @import { Brand } from "./simulator.js"
 * @import { Json } from "./vectors/canonical.js"
 */

/** @type {Plugin} */ let plugin;
/** @type {Simulator} */ let simulator;
/** @type {Brand} */ let brand;
/** @type {Clock} */ let clock;
/** @type {Connector} */ let connector;

before(async () => {
  [plugin, simulator] = await Promise.all([Plugin.bundled(), Simulator.start()]);
});
after(() => simulator.end());

beforeEach(async () => {
  brand = await simulator.createBrand({ brand: { people: [{ emails: ["ada@example.org"], responses: 2 }] } });
  clock = new Clock(brand);
  connector = plugin.connector({ egress: [brand.origin] });
  await connector.configure(brand.settings);
});
afterEach(async () => {
  await connector.close();
  await brand.delete();
});

/** @returns {{ id: string, subject: Contract.Identifier[] }} */
const request = (id = "dsr-1") => ({ id, subject: [{ tag: "email", val: "ada@example.org" }] });
const entry = (/** @type {Operation} */ operation, id = "dsr-1") => new Entry(request(id), operation);

/** @param {Follower} follower */
async function complete(follower) {
  const seen = [];
  for await (const { event, confirm } of bound(follower)) {
    if (event.tag === "done") {
      seen.push(event.val.outcome);
      confirm();
    } else if (event.tag === "failed") {
      seen.push(event.val.kind);
    }
  }
  return seen;
}

/**
 * The updates. Each entry is stored and parsed again, as in a database.
 *
 * @param {Follower} follower
 */
async function* bound(follower) {
  for await (const update of follower) {
    assert.equal(JSON.stringify(Entry.parse(JSON.stringify(update.entry))), JSON.stringify(update.entry));
    yield { ...update, confirm: () => update.confirm(), fail: (/** @type {unknown} */ error) => update.fail(error) };
  }
}

const erasures = async () =>
  /** @type {any} */ (await brand.seen()).erasures.filter((/** @type {any} */ job) => !job["search-only"]).length;

/**
 * @param {string} endpoint
 * @param {Json} occurrence
 * @param {Json} fault
 */
const script = (endpoint, occurrence, fault) => brand.change({ faults: [{ endpoint, occurrence, fault }] });

/**
 * The connector, with some of its functions replaced.
 *
 * @param {Partial<Pick<Connector, "access" | "delete" | "poll">>} functions
 */
const replaced = (functions) => {
  const own = {
    access: (/** @type {any} */ requests) => connector.access(requests),
    delete: (/** @type {any} */ requests, /** @type {any} */ mode) => connector.delete(requests, mode),
    poll: (/** @type {any} */ tasks) => connector.poll(tasks),
  };
  return /** @type {Connector} */ (/** @type {unknown} */ ({ ...own, ...functions }));
};

test("requests are followed to their reports", async () => {
  const follower = connector.resume([entry("access", "dsr-1"), entry("access", "dsr-2")], clock);
  assert.deepEqual(await complete(follower), ["found", "found"]);
  for (const { end, subject } of follower.entries) {
    assert.deepEqual([end?.outcome, subject], ["found", []]);
  }
});

test("a lost response is reconciled without a second erasure", async () => {
  await script("erasure-create", { nth: 1 }, "reset-after-effect");
  const seen = await complete(connector.resume([entry("erase")], clock));
  assert.equal(seen.at(-1), "deleted");
  assert.ok(seen.slice(0, -1).every((kind) => kind === "outcome-unknown"));
  assert.equal(await erasures(), 1);
});

test("a lost erasure is repeated with its attempts", async () => {
  /** @type {any[]} */
  const made = [];
  const losing = replaced({
    async delete(requests, mode) {
      made.push(...requests);
      const results = await connector.delete(requests, mode);
      if (made.length === 1) {
        throw new CallLost("its thread has ended");
      }
      return results;
    },
  });
  const tags = [];
  const follower = new Follower(losing, [entry("erase-and-verify")], clock);
  for await (const { event, confirm } of bound(follower)) {
    tags.push(event.tag);
    if (event.tag === "done") {
      confirm();
    }
  }
  assert.deepEqual(tags.slice(0, 4), ["starting", "lost", "starting", "pending"]);
  assert.equal(follower.entries[0]?.end?.outcome, "verified");
  assert.deepEqual([made[0].attempts, typeof made[1].attempts.firstAt], [undefined, "bigint"]);
  assert.equal(await erasures(), 1);
});

test("an attempt is returned for storage before its call, and a program that stops there continues", async () => {
  let text = "";
  for await (const update of connector.resume([entry("erase")], clock)) {
    assert.equal(update.event.tag, "starting");
    text = JSON.stringify(update.entry);
    break;
  }
  assert.equal(await erasures(), 0);
  // The component reads the clock of the machine, which no test advances: the attempt was stored long before.
  const { attemptAt, ...state } = JSON.parse(text);
  const stored = Entry.parse(JSON.stringify({ ...state, attemptAt: attemptAt - 150 }));
  assert.deepEqual(await complete(connector.resume([entry("erase").resume(stored)], clock)), ["deleted"]);
  assert.equal(await erasures(), 1);
});

test("a stored attempt that has grown old is stored again before its call", async () => {
  const attempts = [];
  for await (const update of connector.resume([entry("erase")], clock)) {
    assert.equal(update.event.tag, "starting");
    attempts.push(update.entry.toJSON().attemptAt);
    if (attempts.length === 2) {
      break;
    }
    await clock.sleep(150_000);
  }
  assert.equal(Number(attempts[1]) - Number(attempts[0]), 150);
  assert.equal(await erasures(), 0);
});

test("a call is repeated after the delay of its remedy", async () => {
  await script("export-create", { first: 2 }, { status: [429, { seconds: 90 }] });
  const seen = await complete(connector.resume([entry("access")], clock));
  assert.deepEqual(seen, ["rate-limited", "rate-limited", "found"]);
  assert.ok(clock.waits.slice(0, 2).every((ms) => ms >= 89_000 && ms <= 91_000), `${clock.waits}`);
});

test("a spent ticket starts the request again", async () => {
  let isForgotten = false;
  const seen = [];
  for await (const { event, confirm } of bound(connector.resume([entry("access")], clock))) {
    if (event.tag === "pending" && !isForgotten) {
      isForgotten = true;
      await brand.change("forget-jobs");
    } else if (event.tag === "done") {
      confirm();
    }
    seen.push(event.tag === "failed" ? event.val.kind : event.tag);
  }
  const expected = ["starting", "job-not-found", "starting", "done", "completed"];
  assert.deepEqual(
    seen.filter((tag) => tag !== "pending"),
    expected,
  );
});

test("a report that was not confirmed is returned again, and a failure to read takes the place of the confirmation", async () => {
  const failures = [
    new ConnectorError({ kind: "unavailable", remedy: { tag: "retry", val: 1000n }, message: "Again.", problems: [] }),
    new CallLost("its thread has ended"),
    undefined,
  ];
  const tags = [];
  for await (const { event, confirm, fail } of bound(connector.resume([entry("access")], clock))) {
    tags.push(event.tag);
    if (event.tag === "done") {
      if (failures.length === 0) {
        confirm();
      } else {
        const failure = failures.shift();
        if (failure) {
          fail(failure);
        }
      }
    }
  }
  const expected = ["done", "failed", "done", "lost", "done", "done", "completed"];
  assert.deepEqual(
    tags.filter((tag) => tag !== "pending" && tag !== "starting"),
    expected,
  );
});

test("a report that was not confirmed is not requested again at once", async () => {
  /** @type {number[]} */
  const returned = [];
  for await (const { event, confirm } of bound(connector.resume([entry("access")], clock))) {
    if (event.tag === "done") {
      returned.push(clock.now());
      await clock.sleep(5000);
      if (returned.length === 2) {
        confirm();
      }
    }
  }
  assert.ok(Number(returned[1]) - Number(returned[0]) >= 6000, `${returned}`);
});

test("an error that is not one of reading is thrown, and only the latest report can be confirmed", async () => {
  for await (const update of connector.resume([entry("access")], clock)) {
    assert.throws(() => update.fail(new Error("the disk is full")), /disk is full/);
    assert.throws(() => update.confirm(), /only the report of the latest update/);
    break;
  }
});

test("a deletion waits for the access request of the same person", async () => {
  const ended = [];
  const entries = [entry("erase", "delete"), entry("access", "access")];
  for await (const { event, confirm } of bound(connector.resume(entries, clock))) {
    if (event.tag === "done") {
      ended.push([event.val.outcome, await erasures()]);
      confirm();
    }
  }
  assert.deepEqual(ended, [
    ["found", 0],
    ["deleted", 1],
  ]);
});

test("a connector that keeps trapping ends with an error for the operator", async () => {
  const trap = () => Promise.reject(new CallLost("unreachable"));
  const trapping = replaced({ access: trap, delete: trap });
  for (const [operation, kind] of /** @type {const} */ ([
    ["access", "unexpected-response"],
    ["erase", "outcome-unknown"],
  ])) {
    const follower = new Follower(trapping, [entry(operation)], clock);
    let lost = 0;
    for await (const { event } of follower) {
      lost += Number(event.tag === "lost");
    }
    const error = follower.entries[0]?.end?.error;
    assert.deepEqual([lost, error?.kind, error?.remedy], [5, kind, "operator"]);
  }
});

test("an attempt in the far future needs an operator", async () => {
  const at = BigInt(Math.floor(clock.now() / 1000) + 2 * 86_400);
  const future = new Entry({ ...request(), attempts: { firstAt: at, lastAt: at } }, "erase");
  assert.deepEqual(await complete(connector.resume([future], clock)), ["outcome-unknown"]);
  assert.equal(await erasures(), 0);
});

/**
 * The request IDs of each call of `poll` until there were so many calls. Every poll is lost if `isLost`, and pending otherwise.
 *
 * @param {{ id: string, group?: string, dueAtMs?: number }[]} inProgress
 * @param {number} calls
 */
async function polled(inProgress, calls, isLost = false) {
  /** @type {string[][]} */
  const seen = [];
  const poll = (/** @type {Task[]} */ tasks) => {
    seen.push(tasks.map(({ request }) => request.id));
    if (isLost) {
      return Promise.reject(new CallLost("unreachable"));
    }
    const val = { ticket: "t", stage: /** @type {const} */ ("deleting"), pollAfterMs: 3_600_000n };
    return Promise.resolve(tasks.map(() => /** @type {Result} */ ({ tag: "pending", val })));
  };
  const entries = inProgress.map(({ id, group = null, dueAtMs = 0 }) => {
    const state = { ...entry("erase", id).toJSON(), ticket: `ticket of ${id}`, group, dueAtMs };
    return Entry.parse(JSON.stringify(state));
  });
  for await (const _ of new Follower(replaced({ poll }), entries, new Clock())) {
    if (seen.length === calls) {
      break;
    }
  }
  return seen;
}

test("requests of a group are polled in one call when one is due", async () => {
  const dueAtMs = Date.now() + 600_000;
  const later = [{ id: "c", group: "1", dueAtMs }, { id: "d", group: "2", dueAtMs }];
  assert.deepEqual(await polled([{ id: "a", group: "1" }, { id: "b" }, ...later], 1), [["a", "c", "b"]]);
});

test("at most fifty requests are polled in one call, and a group is not divided", async () => {
  const alone = Array.from({ length: 40 }, (_, number) => ({ id: `a${number}` }));
  const group = Array.from({ length: 30 }, (_, number) => ({ id: `g${number}`, group: "1" }));
  const sizes = (await polled([...alone, ...group], 2)).map(({ length }) => length);
  assert.deepEqual(sizes, [40, 30]);
});

test("two requests with the same ID are not polled in one call", async () => {
  assert.deepEqual(await polled([{ id: "a" }, { id: "a" }, { id: "b" }], 2), [["a", "b"], ["a"]]);
});

test("a request whose poll was lost is polled alone", async () => {
  assert.deepEqual(await polled([{ id: "a" }, { id: "b" }], 3, true), [["a", "b"], ["a"], ["b"]]);
});
