/** The scenarios of `host-test/vectors/`, which every host runs alike, through this one. */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { basename } from "node:path";
import test from "node:test";
import { Plugin } from "../connector.js";
import { Scratch } from "./plugins.js";
import { Simulator } from "./simulator.js";
import { mismatch } from "./vectors/pattern.js";
import { run } from "./vectors/scenario.js";

const VECTORS = new URL("../../vectors/", import.meta.url);

/** How many scenarios run at once. They wait more than they work. */
const AT_ONCE = 4;

/** @param {string} name */
const read = async (name) => JSON.parse(await readFile(new URL(name, VECTORS), "utf8"));

test("patterns match what they say and nothing else", async () => {
  for (const [pattern, value, matches] of await read("format/patterns.json")) {
    const told = mismatch(pattern, value);
    assert.equal(told === undefined, matches, `${JSON.stringify(pattern)} and ${JSON.stringify(value)}: ${told}`);
  }
});

test("every scenario takes its course on this host", { concurrency: AT_ONCE }, async (t) => {
  const [simulator, scratch] = await Promise.all([Simulator.start(), Scratch.make()]);
  const names = (await readdir(VECTORS)).filter((name) => name.endsWith(".json")).sort();
  let passed = 0;
  try {
    const plugin = await Plugin.load(await scratch.transpiled(await scratch.component("--guarded")));
    const scenario = async (/** @type {string} */ name) => {
      await run(simulator, plugin, await read(name));
      passed += 1;
    };
    await Promise.all(names.map((name) => t.test(basename(name, ".json"), () => scenario(name))));
  } finally {
    await Promise.all([simulator.end(), scratch.remove()]);
  }
  console.log(`${passed} of ${names.length} scenarios passed on Node ${process.version}`);
  assert.ok(names.length > 0 && passed === names.length);
});
