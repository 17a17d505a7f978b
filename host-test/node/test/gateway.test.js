/** The composed gateway, served by `jco serve`: over sockets, to a simulated brand. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import * as guests from "./guests.js";
import { Listener } from "./listener.js";
import { Scratch } from "./plugins.js";
import { Served, json, variables } from "./served.js";
import { Simulator } from "./simulator.js";

/** @import { Brand } from "./simulator.js" */
/** @import { Json } from "./vectors/canonical.js" */

/** @type {Scratch} */ let scratch;
/** @type {string} */ let file;
/** @type {Simulator} */ let simulator;
/** @type {Brand} */ let brand;
/** @type {Served} */ let gateway;

const ADA = "ada@example.org";
const REQUEST = { id: "dsr-1", subject: [{ email: ADA }] };
const MAX_POLLS = 100;

before(async () => {
  scratch = await Scratch.create();
  file = await scratch.component("--gateway");
  simulator = await Simulator.start();
  brand = await simulator.createBrand({
    brand: { people: [{ "first-name": "Ada", emails: [ADA], phone: "+12025550101", responses: 2 }] },
  });
  gateway = await Served.start(scratch, file, variables(brand));
});

after(async () => {
  await Promise.all([gateway.end(), simulator.end()]);
  await scratch.remove();
});

/** @param {Json[]} [requests] */
const access = (requests = [REQUEST]) => gateway.fetch("/accesses", { requests });

/**
 * @param {string} mode
 * @param {Json[]} [requests]
 * @param {Record<string, string>} [headers]
 */
const erase = (mode, requests = [REQUEST], headers) => gateway.fetch("/deletions", { requests, mode }, headers);

/**
 * Polls a single request until it is done, in the time of the brand.
 *
 * @param {Response} started
 */
async function complete(started) {
  let response = started;
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const body = await json(response);
    assert.equal(response.status, 200, JSON.stringify(body));
    const [{ ok, error }] = body.results;
    assert.ok(ok, JSON.stringify(error));
    if (ok.done) {
      assert.equal(response.headers.get("retry-after"), null);
      return ok.done;
    }
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(seconds >= ok.pending["poll-after-ms"] / 1000 && seconds > 0);
    await brand.change({ advance: seconds });
    response = await gateway.fetch("/polls", { tasks: [{ request: REQUEST, ticket: ok.pending.ticket }] });
  }
  return assert.fail(`still pending after ${MAX_POLLS} polls`);
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {string} kind
 */
async function assertProblem(response, status, kind) {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const details = await json(response);
  const type = `urn:problem-type:privacy:${kind}`;
  assert.deepEqual([response.status, details.status, details.type], [status, status, type], JSON.stringify(details));
  return details;
}

const calls = async () => /** @type {Record<string, number>} */ ((await brand.seen())["calls"]);

test("the gateway describes itself and the connector without a call to the vendor", async () => {
  const before = await calls();
  const openapi = await gateway.fetch("/openapi.json");
  assert.equal((await json(openapi)).openapi, "3.1.0");
  const manifest = await gateway.fetch("/manifest");
  assert.equal(manifest.headers.get("cache-control"), "no-store");
  assert.equal((await json(manifest)).name, "qualtrics");
  assert.deepEqual(await calls(), before);
});

test("a connection is tested, and each HTTP request obtains a token of its own", async () => {
  const before = await calls();
  for (let times = 0; times < 2; times++) {
    const checked = await gateway.fetch("/checks", { rights: ["access", "deletion"] });
    const connection = await json(checked);
    assert.deepEqual([checked.status, connection.tenant, connection.granted.length], [200, "examplebrand", 5]);
  }
  // Each check requests a token for the rights, and one for the optional scope.
  assert.equal(Number((await calls())["token"]), Number(before["token"]) + 4);
});

test("an access request returns documents, and a deletion is verified", async () => {
  const report = await complete(await access());
  assert.equal(report.outcome, "found");
  /** @type {string[]} */
  const texts = await Promise.all(
    report.documents.map(async (/** @type {any} */ { content, size }) => {
      if ("inline" in content) {
        return Buffer.from(content.inline, "base64").toString();
      }
      const path = `/documents/${content.remote}`;
      const document = await gateway.fetch(path);
      assert.deepEqual([document.status, document.headers.get("content-type")], [200, "application/octet-stream"]);
      const text = await document.text();
      assert.ok(size === null || size === Buffer.byteLength(text));
      const rest = await gateway.fetch(`${path}?offset=10`);
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

  const verified = await complete(await erase("erase-and-verify"));
  assert.deepEqual([verified.outcome, verified.receipt["request-id"]], ["verified", "dsr-1"]);
  const seen = /** @type {any} */ (await brand.seen());
  assert.deepEqual(seen.holdings[ADA], { contacts: 0, "opted-out": 0, responses: 0, users: 0 });
  assert.equal(seen.calls["erasure-create"], 2, "one erasure and one search");
});

test("an error of one request is returned in its place", async () => {
  await brand.change({ faults: [{ endpoint: "users", fault: { status: [429, { seconds: 50 }] } }] });
  const response = await erase("erase", [{ id: "no id!", subject: [] }, REQUEST]);
  const [malformed, throttled] = (await json(response)).results;
  assert.deepEqual([response.status, response.headers.get("retry-after")], [200, "50"]);
  assert.deepEqual([malformed.error.kind, malformed.error.problems[0].code], ["invalid-request", "request"]);
  assert.deepEqual([throttled.error.kind, throttled.error.remedy], ["rate-limited", { retry: 50_000 }]);
  await brand.change({ faults: [] });
});

test("an error of a whole call is returned as problem details", async () => {
  await assertProblem(await erase("all"), 400, "malformed-request");
  await assertProblem(await gateway.fetch("/nowhere"), 404, "not-found");

  await brand.change({ faults: [{ endpoint: "token", fault: { status: [429, { seconds: 50 }] } }] });
  const throttled = await gateway.fetch("/checks", { rights: ["access"] });
  assert.equal(throttled.headers.get("retry-after"), "50");
  assert.deepEqual((await assertProblem(throttled, 429, "rate-limited")).remedy, { retry: 50_000 });
  await brand.change({ faults: [] });
});

test("a caller without the token is rejected", async () => {
  const before = await calls();
  /** @type {Record<string, string>[]} */
  const rejected = [{}, { authorization: "Bearer another" }];
  for (const headers of rejected) {
    const response = await erase("erase", [REQUEST], headers);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
    await assertProblem(response, 401, "unauthenticated");
  }
  assert.deepEqual(await calls(), before);
});

test("a gateway without a configured token rejects every caller", async () => {
  const before = await calls();
  const { GATEWAY_TOKEN_SHA256: _, ...rest } = variables(brand);
  const open = await Served.start(scratch, file, rest);
  try {
    for (const path of ["/manifest", "/openapi.json"]) {
      await assertProblem(await open.fetch(path), 503, "gateway-not-configured");
    }
    await assertProblem(await open.fetch("/checks", { rights: ["access"] }), 503, "gateway-not-configured");
    assert.deepEqual(await calls(), before);
  } finally {
    await open.end();
  }
});

test("the connector in the gateway calls only what its guard permits", async () => {
  const elsewhere = await Listener.start();
  const misdirected = await Served.start(scratch, file, { ...variables(brand), CONNECTOR_BASE_URL: elsewhere.origin });
  try {
    const response = await misdirected.fetch("/checks", { rights: ["access"] });
    const details = await assertProblem(response, 503, "unavailable");
    assert.deepEqual(
      details.problems.map((/** @type {any} */ { code, target }) => [code, target]),
      [["egress", elsewhere.origin]],
    );
    assert.equal(elsewhere.connections, 0);
  } finally {
    elsewhere.end();
    await misdirected.end();
  }
});

test("a trap in the gateway affects its own HTTP request only", async () => {
  const defective = await Served.start(scratch, await guests.gateway(scratch), {});
  try {
    // More requests than workers.
    for (let request = 0; request < 5; request++) {
      assert.equal((await defective.fetch("/manifest")).status, 502);
    }
  } finally {
    await defective.end();
  }
});
