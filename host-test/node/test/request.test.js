/** The program `request.js` fulfils access and deletion requests, also after interruptions. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Scratch } from "./plugins.js";
import { Simulator, startProgram } from "./simulator.js";

/** @import { Brand } from "./simulator.js" */

const PROGRAM = fileURLToPath(new URL("../request.js", import.meta.url));

/** Longer than a run that continues a request takes. */
const TIMEOUT_MS = 60_000;

/** @type {Scratch} */ let scratch;
/** @type {Simulator} */ let simulator;

before(async () => {
  [scratch, simulator] = await Promise.all([Scratch.create(), Simulator.start()]);
});
after(() => Promise.all([simulator.end(), scratch.remove()]));

/**
 * A brand, and the arguments of a request to it.
 *
 * @param {string} name
 */
async function set(name) {
  const brand = await simulator.createBrand({ brand: { people: [{ emails: ["ada@example.org"], responses: 2 }] } });
  const [settings, out] = [join(scratch.path, `${name}.json`), join(scratch.path, name)];
  await writeFile(settings, JSON.stringify(brand.settings));
  const connection = ["--settings", settings, "--origin", brand.origin];
  return { brand, out, connection, request: [...connection, "--id", "dsr-1", "--email", "ada@example.org", "--out", out] };
}

const run = (/** @type {string[]} */ args) =>
  promisify(execFile)(process.execPath, [PROGRAM, ...args], { timeout: TIMEOUT_MS });

/**
 * Runs the program, and interrupts it when it waits for the next poll.
 *
 * @param {string[]} args
 */
async function interrupt(args) {
  const { end } = await startProgram(process.execPath, [PROGRAM, ...args], /next poll in \d+ s$/);
  await end();
}

/** @param {Brand} brand */
const seen = async (brand) => /** @type {any} */ (await brand.seen());

test("an interrupted access request continues, and its files are readable by their owner only", async () => {
  const { brand, out, connection, request } = await set("access");
  assert.equal((await run(["check", ...connection])).stdout, "connected to examplebrand\n");
  await interrupt(["access", ...request]);
  assert.deepEqual(await readdir(out), ["entry.json"]);

  await brand.change({ advance: 60 });
  await expire(out);
  // A new export would never be ready: the brand's clock stands still.
  const { stdout } = await run(["access", ...request]);
  assert.match(stdout, /^found; 4 findings$/m);
  const names = (await readdir(out, { recursive: true })).sort();
  const documents = [
    "contact-0001-POOLcustomers.json",
    "email-history-0002-POOLcustomers.json",
    "export-01.json",
    "response-history-0003-POOLcustomers.json",
  ].map((name) => `documents/${name}`);
  assert.deepEqual(names, ["documents", ...documents, "entry.json", "report.json"]);
  assert.match(await readFile(join(out, "documents/export-01.json"), "utf8"), /The staff were kind\./);
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8"));
  assert.deepEqual([report.outcome, report.receipt.requestId], ["found", "dsr-1"]);
  for (const name of ["", ...names]) {
    const file = await stat(join(out, name));
    assert.equal(file.mode & 0o777, file.isDirectory() ? 0o700 : 0o600, name);
  }
  assert.equal((await seen(brand)).exports.length, 1, "one export was started");
});

test("an interrupted deletion continues without a second erasure, and a finished one is not started again", async () => {
  const { brand, out, request } = await set("deletion");
  const args = ["delete", "--mode", "erase", ...request];
  await interrupt(args);
  await brand.change({ advance: 60 });
  await expire(out);
  await run(args);
  await run(args);
  assert.equal(JSON.parse(await readFile(join(out, "report.json"), "utf8")).outcome, "deleted");
  assert.ok(!(await readFile(join(out, "entry.json"), "utf8")).includes("example.org"));
  assert.equal((await seen(brand)).erasures.filter((/** @type {any} */ job) => !job["search-only"]).length, 1);
  await assert.rejects(run(["delete", "--mode", "erase-and-verify", ...request]), { code: 2, stderr: /another request/ });
});

test("an error for an operator ends the program, and the same command continues", async () => {
  const { brand, request } = await set("forbidden");
  const fault = { status: [403, "none"] };
  await brand.change({ faults: [{ endpoint: "export-create", occurrence: { nth: 1 }, fault }] });
  await assert.rejects(run(["access", ...request]), { code: 1, stderr: /^forbidden: / });
  await interrupt(["access", ...request]);
});

test("missing and misplaced options are reported", async () => {
  const { connection, request } = await set("usage");
  for (const args of [[], ["access", ...connection], ["delete", ...request], ["access", "--mode", "erase", ...request]]) {
    await assert.rejects(run(args), { code: 2, stderr: /^usage: / });
  }
});

/**
 * Makes the stored request due: the program waits in real time.
 *
 * @param {string} out
 */
async function expire(out) {
  const file = join(out, "entry.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), dueAtMs: 0 }));
}
