/**
 * One instance of a plugin, in a thread of its own: calls of the plugin block until the network responds. `connector.js`
 * starts this file as a worker, and is its only user.
 *
 * The plugin gets clocks, HTTP, and the variables for its egress guard, but not the environment of this process.
 */

import { parentPort, workerData } from "node:worker_threads";
import { monotonicClock, wallClock } from "@bytecodealliance/preview2-shim/clocks";
import { outgoingHandler, types } from "@bytecodealliance/preview2-shim/http";
import { error, poll, streams } from "@bytecodealliance/preview2-shim/io";

/**
 * The interface in every compatible version: it is frozen for each 0.N. The short name `connector`, under which jco exports
 * the interface as well, would accept other versions.
 */
const INTERFACE = /^privacy:connector\/connector@0\.2\.\d+$/;

/**
 * @typedef {typeof import("./contract.js")} Contract
 *
 * @typedef {object} Start  what an instance is started with
 * @property {string} entry  the URL of the module that jco wrote
 * @property {Map<string, WebAssembly.Module>} modules  its core modules, compiled
 * @property {[string, string][]} environment  variables for the guard
 *
 * @typedef {{ name: string, given: unknown[] }} Call
 *
 * @typedef {{ ok: unknown } | { error: import("./contract.js").Error } | { lost: string }} Returned
 */

/** @type {Start} */
const { entry, modules, environment } = workerData;

const port = parentPort;
if (!port) {
  throw new Error("instance.js is started by connector.js");
}

const connector = await instantiate();
port.postMessage({ ok: null });
port.on("message", (/** @type {Call} */ call) => port.postMessage(run(call)));

/** @returns {Promise<Contract>} */
async function instantiate() {
  const plugin = await import(entry);
  if (typeof plugin.instantiate !== "function") {
    throw new Error(`${entry} has no function instantiate: transpile with --instantiation sync`);
  }
  let guarded = false;
  const imports = {
    "wasi:clocks/monotonic-clock": monotonicClock,
    "wasi:clocks/wall-clock": wallClock,
    "wasi:http/outgoing-handler": outgoingHandler,
    "wasi:http/types": types,
    "wasi:io/error": error,
    "wasi:io/poll": poll,
    "wasi:io/streams": streams,
    // Only the guard imports it.
    get "wasi:cli/environment"() {
      guarded = true;
      return { getEnvironment: () => environment };
    },
  };
  const exported = plugin.instantiate((/** @type {string} */ name) => modules.get(name), imports);
  if (!guarded) {
    throw new Error("the plugin has no egress guard: it could call any origin");
  }
  const name = Object.keys(exported).find((name) => INTERFACE.test(name));
  if (name === undefined) {
    const names = Object.keys(exported).filter((name) => name.includes(":"));
    throw new Error(`this host loads privacy:connector@0.2.x, but the plugin exports ${names.join(", ") || "nothing"}`);
  }
  return exported[name];
}

/**
 * @param {Call} call
 * @returns {Returned}
 */
function run({ name, given }) {
  try {
    const call = /** @type {(...given: unknown[]) => unknown} */ (connector[/** @type {keyof Contract} */ (name)]);
    return { ok: call(...given) };
  } catch (thrown) {
    // jco throws an error of the contract as the payload of an error of its own. Anything else is a trap.
    const payload = thrown instanceof Error && "payload" in thrown ? thrown.payload : undefined;
    if (payload && typeof payload === "object" && "remedy" in payload) {
      return { error: /** @type {import("./contract.js").Error} */ (payload) };
    }
    return { lost: String(thrown) };
  }
}
