/** What the host guarantees for every plugin: defective, older or newer. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import { CallLost, ConnectorError, Plugin, attempted } from "../connector.js";
import * as guests from "./guests.js";
import { Scratch } from "./plugins.js";
import { Simulator } from "./simulator.js";
import { run } from "./vectors/scenario.js";

/** @type {Scratch} */ let scratch;
/** @type {string} */ let guarded;
/** @type {Plugin} */ let plugin;
/** @type {Plugin} */ let defective;

const REQUEST = { id: "dsr-1", subject: [{ tag: /** @type {const} */ ("email"), val: "ada@example.org" }] };

/** Longer than any call of these tests takes. */
const TIMEOUT_MS = 60_000;

before(async () => {
  scratch = await Scratch.create();
  guarded = await scratch.component("--guarded");
  plugin = await Plugin.bundled();
  defective = await Plugin.load(await scratch.transpile(await guests.plugin(scratch)));
});

after(() => scratch.remove());

test("after a trap the next call uses a new instance with the same settings", async () => {
  const connector = defective.connector();
  await connector.configure({});
  assert.deepEqual(await connector.poll([]), []);
  for (let traps = 0; traps < 2; traps++) {
    await assert.rejects(connector.access([REQUEST]), CallLost);
    assert.deepEqual(await connector.poll([]), []);
  }
  await connector.close();
});

test("without settings, the instance after a trap is not configured either", async () => {
  const connector = defective.connector();
  await assert.rejects(connector.access([REQUEST]), CallLost);
  await assert.rejects(connector.poll([]), CallLost);
});

test("an endless call is stopped, and the next one uses a new instance", async () => {
  const connector = defective.connector({ callTimeoutMs: 3000 });
  await connector.configure({});
  await assert.rejects(connector.check([]), { name: "CallLost", message: /longer than 3000 ms/ });
  assert.deepEqual(await connector.poll([]), []);
  await connector.close();
});

test("a list with another number of results is a lost call", async () => {
  const connector = defective.connector();
  await assert.rejects(connector.optOut([REQUEST]), { name: "CallLost", message: /0 results for 1 elements/ });
  await connector.close();
});

test("a closed connector can be used again", async () => {
  const connector = defective.connector();
  await connector.configure({});
  await connector.close();
  assert.deepEqual(await connector.poll([]), []);
  await connector.close();
});

test("a call is lost if its connector is closed", async () => {
  const connector = defective.connector({ callTimeoutMs: TIMEOUT_MS });
  await connector.configure({});
  const endless = connector.check([]);
  const lost = assert.rejects(endless, { name: "CallLost", message: /its thread has ended/ });
  // The call is sent to the instance once all pending promises have settled.
  await new Promise((resolve) => setImmediate(resolve));
  await connector.close();
  await lost;
});

test("an error of the contract is thrown with all its members", async () => {
  const connector = plugin.connector();
  await assert.rejects(connector.check(["access"]), (error) => {
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.kind, error.remedy, error.httpStatus], ["not-configured", { tag: "give-up" }, undefined]);
    assert.match(error.message, /configure/);
    return true;
  });
  await assert.rejects(connector.configure({ colour: "red" }), { kind: "invalid-settings" });
  await connector.close();
});

test("an error that concerns the whole call is returned for every request", async () => {
  const connector = plugin.connector();
  const results = await connector.access([REQUEST, { ...REQUEST, id: "dsr-2" }]);
  assert.deepEqual(
    results.map((result) => result instanceof ConnectorError && result.kind),
    ["not-configured", "not-configured"],
  );
  await connector.close();
});

test("a repeated request covers all attempts with unknown outcome", () => {
  const request = { ...REQUEST, overrides: ["own-account"] };
  const first = attempted(request, 100);
  assert.deepEqual(first, { ...request, attempts: { firstAt: 100n, lastAt: 100n } });
  assert.deepEqual(attempted(first, 200), { ...request, attempts: { firstAt: 100n, lastAt: 200n } });
});

test("connectors share threads, and a call that is stopped in a shared thread affects no other connector", async () => {
  const shared = await Plugin.load(join(scratch.path, "guest", "plugin.js"), { threads: 1 });
  const [endless, others] = [shared.connector({ callTimeoutMs: 2000 }), [shared.connector(), shared.connector()]];
  await Promise.all([endless, ...others].map((connector) => connector.configure({})));
  const lost = assert.rejects(endless.check([]), { name: "CallLost", message: /longer than 2000 ms/ });
  // These calls wait for the thread, which ends before they are made.
  const polled = Promise.all(others.map((connector) => connector.poll([])));
  await lost;
  assert.deepEqual(await polled, [[], []]);
  // A trap affects its own instance only: `poll` would trap on an instance that is not configured.
  await assert.rejects(endless.access([REQUEST]), CallLost);
  assert.deepEqual(await Promise.all([endless, ...others].map((connector) => connector.poll([]))), [[], [], []]);
  await Promise.all([endless, ...others].map((connector) => connector.close()));
});

test("eight connectors take at most 150 MB together", async () => {
  const module = new URL("../connector.js", import.meta.url).href;
  const script = `
    const { Plugin } = await import(process.argv[1]);
    const plugin = await Plugin.bundled();
    const before = process.memoryUsage().rss;
    const connectors = Array.from({ length: 8 }, () => plugin.connector());
    await Promise.all(connectors.map((connector) => connector.describe()));
    console.log(Math.ceil((process.memoryUsage().rss - before) / 1e6));`;
  const args = ["--input-type=module", "-e", script, module];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT_MS });
  console.log(`8 connectors take ${stdout.trim()} MB`);
  assert.ok(Number(stdout) <= 150, stdout);
});

test("connectors of one plugin run concurrently, and the calls of each in order", async (t) => {
  const simulator = await Simulator.start();
  t.after(() => simulator.end());
  const brand = await simulator.createBrand();
  const connectors = Array.from({ length: 3 }, () => plugin.connector({ egress: [brand.origin] }));
  const work = connectors.map(async (connector) => {
    // Not awaited: the second call waits for the first.
    const configured = connector.configure(brand.settings);
    const connection = await connector.check(["deletion"]);
    await configured;
    await connector.close();
    return connection.tenant;
  });
  assert.deepEqual(await Promise.all(work), ["examplebrand", "examplebrand", "examplebrand"]);
  const { calls } = await brand.seen();
  assert.equal(/** @type {{ token: number }} */ (calls).token, 3);
});

test("an idle connector does not keep the process alive", async () => {
  const script = `
    const { Plugin } = await import(process.argv[1]);
    const plugin = await Plugin.bundled();
    console.log((await plugin.connector().describe()).name);`;
  const module = new URL("../connector.js", import.meta.url).href;
  const ended = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, module], {
    timeout: TIMEOUT_MS,
  });
  assert.equal((await ended).stdout, "qualtrics\n");
});

test("the environment of the process is invisible to a plugin and its guard", async () => {
  process.env["EGRESS_ORIGINS"] = "http://127.0.0.1:9";
  const connector = plugin.connector();
  try {
    const settings = {
      "datacenter-id": "fra1",
      "client-id": "id",
      "client-secret": "secret",
      "base-url": "http://127.0.0.1:9",
    };
    await connector.configure(settings);
    // If the guard saw this variable, the connection would be attempted and refused.
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

test("a plugin of any version of the same 0.N is accepted", async () => {
  const newer = await scratch.transpile(await scratch.replace(guarded, "connector@0.2.0", "connector@0.2.1"));
  const scenario = new URL("../../vectors/an-access-request-returns-contacts-and-responses.json", import.meta.url);
  const simulator = await Simulator.start();
  try {
    for (const accepted of [plugin, await Plugin.load(newer)]) {
      await run(simulator, accepted, JSON.parse(await readFile(scenario, "utf8")));
    }
  } finally {
    await simulator.end();
  }
});

for (const version of ["0.1.0", "0.3.0"]) {
  test(`a plugin of version ${version} is rejected, and the message names the version`, async () => {
    const file = await scratch.replace(guarded, "connector@0.2.0", `connector@${version}`);
    const other = await Plugin.load(await scratch.transpile(file));
    const expected = new RegExp(`loads privacy:connector@0\\.2\\.x, .* privacy:connector/connector@${version}`);
    await assert.rejects(other.connector().describe(), expected);
  });
}

test("a plugin without a guard is rejected", async () => {
  const plain = await Plugin.load(await scratch.transpile(await scratch.component()));
  await assert.rejects(plain.connector().describe(), /no egress guard/);
});
