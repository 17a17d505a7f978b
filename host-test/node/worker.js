/**
 * Instances of a plugin, in a thread: their calls block until the network responds. `thread.js` starts this file, and is its
 * only user.
 *
 * An instance gets clocks, HTTP, and the variables for its egress guard, but not the environment of this process.
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
 * @typedef {object} Start  what a thread is started with
 * @property {string} entry  the URL of the module that jco wrote
 * @property {Map<string, WebAssembly.Module>} modules  its core modules, compiled
 *
 * @typedef {{ instance: number } & (
 *   { create: [string, string][] } | { call: string, given: unknown[] } | { drop: true })} Message
 *   creates an instance with these variables for its guard, calls a function of it, or drops it. The first two are answered
 *
 * @typedef {{ ok: unknown } | { error: import("./contract.js").Error } | { lost: string } | { unusable: string }} Returned
 */

/** @type {Start} */
const { entry, modules } = workerData;

const port = parentPort;
if (!port) {
  throw new Error("worker.js is started by thread.js");
}

const plugin = await import(entry);
/** @type {Map<number, Contract>} */
const instances = new Map();

port.on("message", (/** @type {Message} */ message) => {
  if ("drop" in message) {
    instances.delete(message.instance);
  } else {
    port.postMessage("create" in message ? create(message.instance, message.create) : call(message));
  }
});

/**
 * @param {number} instance
 * @param {[string, string][]} environment
 * @returns {Returned}
 */
function create(instance, environment) {
  try {
    instances.set(instance, instantiate(environment));
    return { ok: null };
  } catch (thrown) {
    return { unusable: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/**
 * @param {[string, string][]} environment
 * @returns {Contract}
 */
function instantiate(environment) {
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
 * @param {{ instance: number, call: string, given: unknown[] }} message
 * @returns {Returned}
 */
function call({ instance, call: name, given }) {
  try {
    const connector = /** @type {Contract} */ (instances.get(instance));
    const call = /** @type {(...given: unknown[]) => unknown} */ (connector[/** @type {keyof Contract} */ (name)]);
    return { ok: call(...given) };
  } catch (thrown) {
    // jco throws an error of the contract as the payload of an error of its own. Anything else is a trap.
    const payload = thrown instanceof Error && "payload" in thrown ? thrown.payload : undefined;
    if (payload && typeof payload === "object" && "remedy" in payload) {
      return { error: /** @type {import("./contract.js").Error} */ (payload) };
    }
    // An instance that has trapped accepts no more calls.
    instances.delete(instance);
    return { lost: String(thrown) };
  }
}
