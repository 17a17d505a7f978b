/** Node has no hook for what a component sends: the guard within the file holds back what must not leave. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { ConnectorError, Plugin } from "../connector.js";
import { Listener } from "./listener.js";
import { Scratch } from "./plugins.js";
import { Simulator } from "./simulator.js";

/** @import { Connector } from "../connector.js" */
/** @import { Brand } from "./simulator.js" */

/** @type {Scratch} */ let scratch;
/** @type {Plugin} */ let plugin;
/** @type {Simulator} */ let simulator;
/** @type {Brand} */ let brand;
/** @type {Listener} */ let elsewhere;

const REQUEST = { key: "dsr-1", subject: [{ tag: /** @type {const} */ ("email"), val: "ada@example.org" }] };

before(async () => {
  scratch = await Scratch.make();
  plugin = await Plugin.load(await scratch.transpiled(await scratch.component("--guarded")));
  simulator = await Simulator.start();
  brand = await simulator.order();
  elsewhere = await Listener.start();
});

after(async () => {
  elsewhere.end();
  await Promise.all([simulator.end(), scratch.remove()]);
});

/**
 * @param {string[] | undefined} egress
 * @param {string} origin  where the settings lead to
 * @param {(connector: Connector) => Promise<unknown>} call
 */
async function calling(egress, origin, call) {
  const connector = plugin.connector(egress ? { egress } : {});
  try {
    await connector.configure({ ...brand.settings, "base-url": origin });
    return await call(connector);
  } finally {
    await connector.close();
  }
}

/**
 * @param {string} origin
 * @returns {(error: unknown) => boolean}
 */
const stopped = (origin) => (error) => {
  assert.ok(error instanceof ConnectorError, String(error));
  assert.deepEqual([error.kind, error.remedy], ["unavailable", { tag: "operator" }]);
  assert.deepEqual(
    error.problems.map(({ code, subject }) => [code, subject]),
    [["egress", origin]],
  );
  return true;
};

test("a plugin that calls where it may is not hindered", async () => {
  for (const egress of [[brand.origin], ["https://*.qualtrics.com", brand.origin.toUpperCase()]]) {
    const connection = await calling(egress, brand.origin, (connector) => connector.check(["access", "deletion"]));
    assert.equal(/** @type {{ tenant: string }} */ (connection).tenant, "examplebrand");
  }
});

test("a plugin that calls elsewhere is stopped before a byte has left", async () => {
  const { origin } = elsewhere;
  /** @type {((connector: Connector) => Promise<unknown>)[]} */
  const calls = [
    (connector) => connector.check(["access"]),
    (connector) => connector.access(REQUEST),
    (connector) => connector.delete(REQUEST, "erase"),
  ];
  for (const call of calls) {
    await assert.rejects(calling([brand.origin], origin, call), stopped(origin));
  }
  assert.equal(elsewhere.connections, 0);
});

test("the same call comes through as soon as the origin is permitted", async () => {
  const before = elsewhere.connections;
  const called = calling([elsewhere.origin], elsewhere.origin, (connector) => connector.check(["access"]));
  // Whoever is there is no Qualtrics, and is not taken for one.
  await assert.rejects(called, { name: "ConnectorError", kind: "protocol" });
  assert.ok(elsewhere.connections > before);
});

test("without a list it is what the plugin was built for, and an empty or malformed list denies all", async () => {
  for (const egress of [undefined, [], ["*"], [`${brand.origin}/`], [brand.origin, "127.0.0.1"]]) {
    const called = calling(egress, brand.origin, (connector) => connector.check(["access"]));
    await assert.rejects(called, stopped(brand.origin), `${egress}`);
  }
});
