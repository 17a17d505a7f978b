/** What the host promises of any plugin, good or evil, old or new. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import { ConnectorError, ConnectorLost, Plugin } from "../connector.js";
import * as guests from "./guests.js";
import { Scratch } from "./plugins.js";
import { Simulator } from "./simulator.js";
import { run } from "./vectors/scenario.js";

/** @type {Scratch} */ let scratch;
/** @type {string} */ let guarded;
/** @type {string} */ let transpiled;
/** @type {Plugin} */ let good;
/** @type {Plugin} */ let evil;

const REQUEST = { key: "dsr-1", subject: [{ tag: /** @type {const} */ ("email"), val: "ada@example.org" }] };

/** Longer than any call of a test takes, and far less than for ever. */
const LONG_MS = 60_000;

before(async () => {
  scratch = await Scratch.make();
  guarded = await scratch.component("--guarded");
  transpiled = await scratch.transpiled(guarded);
  good = await Plugin.load(transpiled);
  evil = await Plugin.load(await scratch.transpiled(await guests.plugin(scratch)));
});

after(() => scratch.remove());

test("a fresh instance, configured like the last, comes after a trap", async () => {
  const connector = evil.connector();
  await connector.configure({});
  assert.deepEqual(await connector.poll([]), []);
  for (let traps = 0; traps < 2; traps++) {
    await assert.rejects(connector.access(REQUEST), ConnectorLost);
    assert.deepEqual(await connector.poll([]), []);
  }
  await connector.close();
});

test("an instance that was never configured is not configured after a trap either", async () => {
  const connector = evil.connector();
  await assert.rejects(connector.access(REQUEST), ConnectorLost);
  await assert.rejects(connector.poll([]), ConnectorLost);
});

test("a call that does not end is ended, and the next one has a fresh instance", async () => {
  const connector = evil.connector({ callTimeoutMs: 3000 });
  await connector.configure({});
  await assert.rejects(connector.check([]), { name: "ConnectorLost", message: /3000 ms were not enough/ });
  assert.deepEqual(await connector.poll([]), []);
  await connector.close();
});

test("a connector that is closed goes on with its next call", async () => {
  const connector = evil.connector();
  await connector.configure({});
  await connector.close();
  assert.deepEqual(await connector.poll([]), []);
  await connector.close();
});

test("a call that is under way when its connector is closed ends without an answer", async () => {
  const connector = evil.connector({ callTimeoutMs: LONG_MS });
  await connector.configure({});
  const endless = connector.check([]);
  const lost = assert.rejects(endless, { name: "ConnectorLost", message: /its thread has ended/ });
  // The call is on its way to the instance as soon as no promise is left to go on.
  await new Promise((gone) => setImmediate(gone));
  await connector.close();
  await lost;
});

test("an error of the contract is thrown with all its members", async () => {
  const connector = good.connector();
  await assert.rejects(connector.check(["access"]), (error) => {
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.kind, error.remedy, error.httpStatus], ["not-configured", { tag: "give-up" }, undefined]);
    assert.match(error.message, /configure/);
    return true;
  });
  await assert.rejects(connector.configure({ colour: "red" }), { kind: "invalid-settings" });
  await connector.close();
});

test("connectors of one plugin work at once, and each one's calls one after the other", async (t) => {
  const simulator = await Simulator.start();
  t.after(() => simulator.end());
  const brand = await simulator.order();
  const connectors = Array.from({ length: 3 }, () => good.connector({ egress: [brand.origin] }));
  const work = connectors.map(async (connector) => {
    // Not awaited: the second call waits for the first.
    const configured = connector.configure(brand.settings);
    const connection = await connector.check(["access", "deletion"]);
    await configured;
    await connector.close();
    return connection.tenant;
  });
  assert.deepEqual(await Promise.all(work), ["examplebrand", "examplebrand", "examplebrand"]);
  const { calls } = await brand.seen();
  assert.equal(/** @type {{ token: number }} */ (calls).token, 3);
});

test("a connector that waits for its next call does not keep the process from its end", async () => {
  const script = `
    const { Plugin } = await import(process.argv[1]);
    const plugin = await Plugin.load(process.argv[2]);
    console.log((await plugin.connector().describe()).name);`;
  const module = new URL("../connector.js", import.meta.url).href;
  const ended = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, module, transpiled], {
    timeout: LONG_MS,
  });
  assert.equal((await ended).stdout, "qualtrics\n");
});

test("a plugin sees nothing of the environment but what its guard is told", async () => {
  process.env["EGRESS_ORIGINS"] = "http://127.0.0.1:9";
  const connector = good.connector();
  try {
    const settings = {
      "datacenter-id": "fra1",
      "client-id": "id",
      "client-secret": "secret",
      "base-url": "http://127.0.0.1:9",
    };
    await connector.configure(settings);
    // Were this process's variable seen, the connection would be refused by nobody being there.
    await assert.rejects(connector.check(["access"]), (error) => {
      assert.ok(error instanceof ConnectorError);
      assert.deepEqual(
        error.problems.map(({ code }) => code),
        ["egress"],
      );
      return true;
    });
  } finally {
    delete process.env["EGRESS_ORIGINS"];
    await connector.close();
  }
});

test("a plugin of any version of the same 0.N is taken", async () => {
  const newer = await scratch.transpiled(await scratch.replaced(guarded, "connector@0.1.0", "connector@0.1.1"));
  const scenario = new URL("../../vectors/an-access-request-finds-contacts-and-responses.json", import.meta.url);
  const simulator = await Simulator.start();
  try {
    for (const plugin of [good, await Plugin.load(newer)]) {
      await run(simulator, plugin, JSON.parse(await readFile(scenario, "utf8")));
    }
  } finally {
    await simulator.end();
  }
});

test("a plugin of another 0.N is refused, and named", async () => {
  const other = await Plugin.load(
    await scratch.transpiled(await scratch.replaced(guarded, "connector@0.1.0", "connector@0.2.0")),
  );
  await assert.rejects(
    other.connector().describe(),
    /speaks privacy:connector@0\.1, .* privacy:connector\/connector@0\.2\.0/,
  );
});

test("a plugin without a guard is refused", async () => {
  const plain = await Plugin.load(await scratch.transpiled(await scratch.component()));
  await assert.rejects(plain.connector().describe(), /no egress guard/);
});
