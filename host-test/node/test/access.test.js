/** The program of the README, from its beginning to its end, with its death in the middle. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Scratch } from "./plugins.js";
import { Simulator, started } from "./simulator.js";

const PROGRAM = fileURLToPath(new URL("../access.js", import.meta.url));
const ADA = "ada@example.org";

/** Longer than a run takes that begins nothing, and far less than for ever. */
const LONG_MS = 60_000;

test("an access request survives the death of its program, and its documents are saved", async () => {
  const [scratch, simulator] = await Promise.all([Scratch.make(), Simulator.start()]);
  try {
    const plugin = await scratch.transpiled(await scratch.component("--guarded"));
    const brand = await simulator.order({ brand: { people: [{ emails: [ADA], responses: 2 }] } });
    const out = join(scratch.path, "answer");
    const { "client-secret": QUALTRICS_CLIENT_SECRET, ...settings } = brand.settings;
    const given = Object.entries({ plugin, ...settings, key: "dsr-1", email: ADA, out }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ]);
    const env = { ...process.env, QUALTRICS_CLIENT_SECRET };

    const first = await started(process.execPath, [PROGRAM, ...given], /^dsr-1: exporting, next look in \d+ s$/, {
      env,
    });
    await first.end();
    assert.deepEqual(await readdir(out), ["ticket"]);

    await brand.change({ advance: 60 });
    // Without the ticket it would follow an export that is never ready, since the brand's clock stands still.
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...given], { env, timeout: LONG_MS });
    assert.match(stdout, /^dsr-1: found, 2 documents in .*answer\n {2}survey-responses: searched, some-data/);
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
    assert.equal(JSON.parse(await readFile(join(out, "receipt.json"), "utf8"))["requestKey"], "dsr-1");
    for (const name of ["", ...(await readdir(out))]) {
      assert.equal((await stat(join(out, name))).mode & 0o077, 0, `${name} is for its owner alone`);
    }
    const { exports } = await brand.seen();
    assert.equal(/** @type {unknown[]} */ (exports).length, 1, "nothing was begun twice");
  } finally {
    await Promise.all([simulator.end(), scratch.remove()]);
  }
});

test("without its arguments the program says what it needs", async () => {
  await assert.rejects(promisify(execFile)(process.execPath, [PROGRAM]), { code: 2, stderr: /--datacenter-id/ });
});
