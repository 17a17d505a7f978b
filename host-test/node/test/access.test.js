/** The example program `access.js` completes an access request, also if it is interrupted. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Scratch } from "./plugins.js";
import { Simulator, startProgram } from "./simulator.js";

const PROGRAM = fileURLToPath(new URL("../access.js", import.meta.url));
const ADA = "ada@example.org";

/** Longer than a run that continues a request takes. */
const TIMEOUT_MS = 60_000;

test("an interrupted program continues its request, and its documents are saved", async () => {
  const [scratch, simulator] = await Promise.all([Scratch.create(), Simulator.start()]);
  try {
    const plugin = await scratch.transpile(await scratch.component("--guarded"));
    const brand = await simulator.createBrand({ brand: { people: [{ emails: [ADA], responses: 2 }] } });
    const out = join(scratch.path, "documents");
    const { "client-secret": QUALTRICS_CLIENT_SECRET, ...settings } = brand.settings;
    const options = Object.entries({ plugin, ...settings, id: "dsr-1", email: ADA, out });
    const args = [PROGRAM, ...options.flatMap(([name, value]) => [`--${name}`, value])];
    const env = { ...process.env, QUALTRICS_CLIENT_SECRET };

    const first = await startProgram(process.execPath, args, /^dsr-1: exporting, next poll in \d+ s$/, { env });
    await first.end();
    assert.deepEqual(await readdir(out), ["ticket"]);

    await brand.change({ advance: 60 });
    // A new export would never be ready: the brand's clock stands still.
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: TIMEOUT_MS });
    assert.match(stdout, /^dsr-1: found, 4 documents in .*documents\n {2}survey-responses: searched, present/);
    const names = (await readdir(out)).filter((name) => name !== "ticket" && name !== "receipt.json");
    const texts = await Promise.all(names.map((name) => readFile(join(out, name), "utf8")));
    assert.ok(
      texts.some((text) => text.includes("The staff were kind.")),
      "the export",
    );
    assert.ok(
      texts.some((text) => JSON.parse(text).email === ADA),
      "the contact",
    );
    assert.equal(JSON.parse(await readFile(join(out, "receipt.json"), "utf8"))["requestId"], "dsr-1");
    for (const name of ["", ...(await readdir(out))]) {
      assert.equal((await stat(join(out, name))).mode & 0o077, 0, `${name} is readable by its owner only`);
    }
    const { exports } = await brand.seen();
    assert.equal(/** @type {unknown[]} */ (exports).length, 1, "one export was started");
  } finally {
    await Promise.all([simulator.end(), scratch.remove()]);
  }
});

test("a missing option is reported", async () => {
  await assert.rejects(promisify(execFile)(process.execPath, [PROGRAM]), { code: 2, stderr: /--datacenter-id/ });
});
