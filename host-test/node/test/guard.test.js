/** Node has no hook for a component's requests: the egress guard in the file denies what is not permitted. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { ConnectorError, Plugin } from "../connector.js";
import { Listener } from "./listener.js";
import { Simulator } from "./simulator.js";

/** @import { Connector } from "../connector.js" */
/** @import { Brand } from "./simulator.js" */

/** @type {Plugin} */ let plugin;
/** @type {Simulator} */ let simulator;
/** @type {Brand} */ let brand;
/** @type {Listener} */ let elsewhere;

const REQUEST = { id: "dsr-1", subject: [{ tag: /** @type {const} */ ("email"), val: "ada@example.org" }] };

before(async () => {
  plugin = await Plugin.bundled();
  simulator = await Simulator.start();
  brand = await simulator.createBrand();
  elsewhere = await Listener.start();
});

after(async () => {
  elsewhere.end();
  await simulator.end();
});

/**
 * @param {string[] | undefined} egress
 * @param {string} origin  the origin in the settings
 * @param {(connector: Connector) => Promise<unknown>} call
 */
async function callWith(egress, origin, call) {
  const connector = plugin.connector(egress ? { egress } : {});
  try {
    await connector.configure({ ...brand.settings, "base-url": origin });
    return await call(connector);
  } finally {
    await connector.close();
  }
}

/**
 * @param {unknown} error
 * @param {string} origin
 */
function assertDenied(error, origin) {
  assert.ok(error instanceof ConnectorError, String(error));
  assert.deepEqual([error.kind, error.remedy], ["unavailable", { tag: "operator" }]);
  assert.deepEqual(
    error.problems.map(({ code, target }) => [code, target]),
    [["egress", origin]],
  );
  return true;
}

test("permitted origins are called", async () => {
  for (const egress of [[brand.origin], ["https://*.qualtrics.com", brand.origin.toUpperCase()]]) {
    const connection = await callWith(egress, brand.origin, (connector) => connector.check(["access", "deletion"]));
    assert.equal(/** @type {{ tenant: string }} */ (connection).tenant, "examplebrand");
  }
});

test("another origin is denied before a connection is opened", async () => {
  const { origin } = elsewhere;
  const checked = callWith([brand.origin], origin, (connector) => connector.check(["access"]));
  await assert.rejects(checked, (error) => assertDenied(error, origin));
  /** @type {((connector: Connector) => Promise<unknown[]>)[]} */
  const calls = [(connector) => connector.access([REQUEST]), (connector) => connector.delete([REQUEST], "erase")];
  for (const call of calls) {
    const [result] = /** @type {unknown[]} */ (await callWith([brand.origin], origin, call));
    assertDenied(result, origin);
  }
  assert.equal(elsewhere.connections, 0);
});

test("the same call is made if the origin is permitted", async () => {
  const before = elsewhere.connections;
  const called = callWith([elsewhere.origin], elsewhere.origin, (connector) => connector.check(["access"]));
  // The server's response is not that of Qualtrics.
  await assert.rejects(called, (error) => {
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.kind, error.problems.map(({ code }) => code)], ["unavailable", ["proxy"]]);
    return true;
  });
  assert.ok(elsewhere.connections > before);
});

test("the default is the guard's own list, and an empty or malformed list denies all", async () => {
  for (const egress of [undefined, [], ["*"], [`${brand.origin}/`], [brand.origin, "127.0.0.1"]]) {
    const called = callWith(egress, brand.origin, (connector) => connector.check(["access"]));
    await assert.rejects(called, (error) => assertDenied(error, brand.origin), `${egress}`);
  }
});
