/** The composed gateway, as `jco serve` runs it: over sockets, to a simulated brand. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import * as guests from "./guests.js";
import { Listener } from "./listener.js";
import { Scratch } from "./plugins.js";
import { Served, json, variables } from "./served.js";
import { Simulator } from "./simulator.js";

/** @import { Brand } from "./simulator.js" */

/** @type {Scratch} */ let scratch;
/** @type {string} */ let file;
/** @type {Simulator} */ let simulator;
/** @type {Brand} */ let brand;
/** @type {Served} */ let gateway;

const ADA = "ada@example.org";
const REQUEST = { key: "dsr-1", subject: [{ email: ADA }] };
const MOST_POLLS = 100;

before(async () => {
  scratch = await Scratch.make();
  file = await scratch.component("--gateway");
  simulator = await Simulator.start();
  brand = await simulator.order({
    brand: { people: [{ "first-name": "Ada", emails: [ADA], phone: "+12025550101", responses: 2 }] },
  });
  gateway = await Served.start(scratch, file, variables(brand));
});

after(async () => {
  await Promise.all([gateway.end(), simulator.end()]);
  await scratch.remove();
});

/**
 * Follows a request to its last word, in the brand's time.
 *
 * @param {Response} begun
 */
async function followed(begun) {
  let answer = begun;
  let progress = await json(begun);
  for (let polls = 0; polls < MOST_POLLS; polls++) {
    if (progress.done) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("retry-after"), null);
      return progress.done;
    }
    assert.equal(answer.status, 202, JSON.stringify(progress));
    const seconds = Number(answer.headers.get("retry-after"));
    assert.ok(seconds >= progress.pending["poll-after-ms"] / 1000 && seconds > 0);
    await brand.change({ advance: seconds });
    answer = await gateway.ask("/polls", { tasks: [{ request: REQUEST, ticket: progress.pending.ticket }] });
    [progress] = await json(answer);
  }
  return assert.fail(`${MOST_POLLS} polls, and no last word`);
}

/**
 * @param {Response} answer
 * @param {number} status
 * @param {string} kind
 */
async function problem(answer, status, kind) {
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const details = await json(answer);
  const type = `urn:problem-type:privacy:${kind}`;
  assert.deepEqual([answer.status, details.status, details.type], [status, status, type], JSON.stringify(details));
  return details;
}

const calls = async () => /** @type {Record<string, number>} */ ((await brand.seen())["calls"]);

test("it describes itself and the connector, and calls nobody for that", async () => {
  const before = await calls();
  const openapi = await gateway.ask("/openapi.json");
  assert.equal((await json(openapi)).openapi, "3.1.0");
  const manifest = await gateway.ask("/manifest");
  assert.equal(manifest.headers.get("cache-control"), "no-store");
  assert.equal((await json(manifest)).name, "qualtrics");
  assert.deepEqual(await calls(), before);
});

test("a connection is tested, and each request signs in anew", async () => {
  const before = await calls();
  for (let times = 0; times < 2; times++) {
    const checked = await gateway.ask("/checks", { rights: ["access", "deletion"] });
    const connection = await json(checked);
    assert.deepEqual([checked.status, connection.tenant, connection.granted.length], [200, "examplebrand", 5]);
  }
  assert.equal(Number((await calls())["token"]), Number(before["token"]) + 2);
});

test("what is held on a person comes in documents, and a deletion is verified", async () => {
  const report = await followed(await gateway.ask("/accesses", { request: REQUEST }));
  assert.equal(report.outcome, "found");
  /** @type {string[]} */
  const texts = await Promise.all(
    report.documents.map(async (/** @type {any} */ { content, size }) => {
      if ("inline" in content) {
        return Buffer.from(content.inline, "base64").toString();
      }
      const path = `/documents/${content.remote}`;
      const document = await gateway.ask(path);
      assert.deepEqual([document.status, document.headers.get("content-type")], [200, "application/octet-stream"]);
      const text = await document.text();
      assert.ok(size === null || size === Buffer.byteLength(text));
      const rest = await gateway.ask(`${path}?offset=10`);
      assert.equal(await rest.text(), text.slice(10));
      return text;
    }),
  );
  assert.ok(
    texts.some((text) => text.includes("The staff were kind.")),
    "the export, which is remote",
  );
  assert.ok(
    texts.some((text) => JSON.parse(text).email === ADA),
    "a contact, which is inline",
  );

  const verified = await followed(await gateway.ask("/deletions", { request: REQUEST, mode: "erase-and-verify" }));
  assert.deepEqual([verified.outcome, verified.receipt["request-key"]], ["verified", "dsr-1"]);
  const seen = /** @type {any} */ (await brand.seen());
  assert.deepEqual(seen.holdings[ADA], { contacts: 0, responses: 0, users: 0 });
  assert.equal(seen.calls["erasure-create"], 2, "one erasure, and one search");
});

test("an error of the contract is told in problem details", async () => {
  const asked = (/** @type {any} */ request) => gateway.ask("/deletions", { request, mode: "erase" });
  const details = await problem(await asked({ key: "no key!", subject: [] }), 422, "invalid-request");
  assert.equal(details.problems[0].code, "request");
  await problem(await gateway.ask("/deletions", { request: REQUEST, mode: "all" }), 400, "malformed-request");
  await problem(await gateway.ask("/nowhere"), 404, "not-found");

  await brand.change({ faults: [{ endpoint: "users", fault: { status: [429, { seconds: 50 }] } }] });
  const busy = await asked(REQUEST);
  assert.equal(busy.headers.get("retry-after"), "50");
  assert.deepEqual((await problem(busy, 429, "rate-limited")).remedy, { retry: 50_000 });
  await brand.change({ faults: [] });
});

test("nobody without the token is served", async () => {
  const before = await calls();
  /** @type {Record<string, string>[]} */
  const strangers = [{}, { authorization: "Bearer another" }];
  for (const headers of strangers) {
    const answer = await gateway.ask("/deletions", { request: REQUEST, mode: "erase" }, headers);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
    await problem(answer, 401, "unauthenticated");
  }
  assert.deepEqual(await calls(), before);
});

test("a gateway that was not told who may call serves nobody", async () => {
  const before = await calls();
  const { GATEWAY_TOKEN_SHA256: _, ...rest } = variables(brand);
  const open = await Served.start(scratch, file, rest);
  try {
    for (const path of ["/manifest", "/openapi.json"]) {
      await problem(await open.ask(path), 503, "gateway-not-configured");
    }
    await problem(await open.ask("/checks", { rights: ["access"] }), 503, "gateway-not-configured");
    assert.deepEqual(await calls(), before);
  } finally {
    await open.end();
  }
});

test("what is within reaches only what its guard permits", async () => {
  const elsewhere = await Listener.start();
  const strayed = await Served.start(scratch, file, { ...variables(brand), CONNECTOR_BASE_URL: elsewhere.origin });
  try {
    const details = await problem(await strayed.ask("/checks", { rights: ["access"] }), 503, "unavailable");
    assert.deepEqual(
      details.problems.map((/** @type {any} */ { code, subject }) => [code, subject]),
      [["egress", elsewhere.origin]],
    );
    assert.equal(elsewhere.connections, 0);
  } finally {
    elsewhere.end();
    await strayed.end();
  }
});

test("a gateway that traps costs its request, and no other", async () => {
  const evil = await Served.start(scratch, await guests.gateway(scratch), {});
  try {
    // More than there are workers.
    for (let request = 0; request < 5; request++) {
      assert.equal((await evil.ask("/manifest")).status, 502);
    }
  } finally {
    await evil.end();
  }
});
