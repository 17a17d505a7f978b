/** The scenarios of `host-test/vectors/`, which every host runs. */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { basename } from "node:path";
import test from "node:test";
import { Plugin } from "../connector.js";
import { Simulator } from "./simulator.js";
import { mismatch } from "./vectors/pattern.js";
import { run } from "./vectors/scenario.js";

const VECTORS = new URL("../../vectors/", import.meta.url);

/** How many scenarios run at once. They wait more than they compute. */
const CONCURRENCY = 4;

/** @param {string} name */
const read = async (name) => JSON.parse(await readFile(new URL(name, VECTORS), "utf8"));

test("patterns match as the table says", async () => {
  for (const [pattern, value, matches] of await read("format/patterns.json")) {
    const difference = mismatch(pattern, value);
    assert.equal(difference === undefined, matches, `${JSON.stringify([pattern, value])}: ${difference}`);
  }
});

test("every scenario passes", { concurrency: CONCURRENCY }, async (t) => {
  const [simulator, plugin] = await Promise.all([Simulator.start(), Plugin.bundled()]);
  const names = (await readdir(VECTORS)).filter((name) => name.endsWith(".json")).sort();
  let passed = 0;
  try {
    const scenario = async (/** @type {string} */ name) => {
      await run(simulator, plugin, await read(name));
      passed += 1;
    };
    await Promise.all(names.map((name) => t.test(basename(name, ".json"), () => scenario(name))));
  } finally {
    await simulator.end();
  }
  console.log(`${passed} of ${names.length} scenarios passed on Node ${process.version}`);
  assert.ok(names.length > 0 && passed === names.length);
});
