/**
 * A privacy connector in Node: a WebAssembly component that jco has transpiled, as a class.
 *
 * ```js
 * const plugin = await Plugin.load("plugin/qualtrics.js");
 * const connector = plugin.connector();
 * await connector.configure({ "datacenter-id": "fra1", "client-id": "…", "client-secret": "…" });
 * ```
 *
 * Calls return promises. Each connector has a thread of its own and runs one call at a time; create several connectors to
 * run calls concurrently.
 */

import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/**
 * @import * as Contract from "./contract.js"
 *
 * @typedef {Pick<Contract.Request, "id" | "subject"> & Partial<Contract.Request>} Request
 *   the contract's request, in which `attempts` and `overrides` are optional
 *
 * @typedef {{ request: Request, ticket: string }} Task
 *
 * @typedef {Contract.Progress | ConnectorError} Result  the result of one request
 *
 * @typedef {object} Options
 * @property {string[]} [egress]  the origins that the plugin may call; by default those that its guard was built for
 * @property {number} [callTimeoutMs]  the time limit of a call; connectors limit their calls to about 60 seconds
 */

const CALL_TIMEOUT_MS = 75_000;

/** The time limit for starting an instance. It depends on this machine only. */
const START_TIMEOUT_MS = 60_000;

/** How many bytes of a document are requested at once. A connector may return fewer. */
const CHUNK_SIZE = 64 * 1024;

/** An error of the contract, with the members of its record `error`. */
export class ConnectorError extends Error {
  /** @param {Contract.Error} error */
  constructor(error) {
    super(error.message);
    this.name = "ConnectorError";
    this.kind = error.kind;
    this.remedy = error.remedy;
    this.problems = error.problems;
    this.httpStatus = error.httpStatus;
    this.vendorCode = error.vendorCode;
    this.vendorRequestId = error.vendorRequestId;
  }
}

/**
 * A call ended without a result of the contract: the instance trapped or exceeded the time limit. If the call was `delete`,
 * every request of it counts as `outcome-unknown`: repeat them with {@link attempted}. All other calls are safe to repeat as
 * they are. The next call uses a new instance with the same settings.
 */
export class CallLost extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`The call ended without a result: ${reason}`);
    this.name = "CallLost";
  }
}

/**
 * A deletion request as it must be repeated after an attempt whose outcome is unknown.
 *
 * @param {Request} request
 * @param {number} at  when the attempt was made, in seconds since the Unix epoch
 * @returns {Request}
 */
export function attempted(request, at) {
  const lastAt = BigInt(at);
  return { ...request, attempts: { firstAt: request.attempts?.firstAt ?? lastAt, lastAt } };
}

/** A plugin, compiled once for any number of connectors. */
export class Plugin {
  #entry;
  #modules;

  /**
   * @param {string} entry
   * @param {Map<string, WebAssembly.Module>} modules
   */
  constructor(entry, modules) {
    this.#entry = entry;
    this.#modules = modules;
  }

  /**
   * Loads the output of `jco transpile --instantiation sync`.
   *
   * @param {string} file  its JavaScript: `plugin/qualtrics.js`
   */
  static async load(file) {
    const path = resolve(file);
    const [directory, core] = [dirname(path), `${basename(path, ".js")}.core`];
    const names = (await readdir(directory)).filter((name) => name.startsWith(core) && name.endsWith(".wasm"));
    const compiled = names.map(async (name) => {
      const module = await WebAssembly.compile(await readFile(join(directory, name)));
      return /** @type {[string, WebAssembly.Module]} */ ([name, module]);
    });
    return new Plugin(pathToFileURL(path).href, new Map(await Promise.all(compiled)));
  }

  /**
   * A connector for one connection. Its instance is created by its first call.
   *
   * @param {Options} [options]
   */
  connector({ egress, callTimeoutMs = CALL_TIMEOUT_MS } = {}) {
    /** @type {[string, string][]} */
    const environment = egress ? [["EGRESS_ORIGINS", egress.join(",")]] : [];
    return new Connector({ entry: this.#entry, modules: this.#modules, environment }, callTimeoutMs);
  }
}

/**
 * One connection. `contract.d.ts` describes the functions.
 *
 * `access`, `delete`, `optOut` and `poll` return one result per element, in the same order; an error of an element is
 * returned in its place. The other functions throw an error of the contract. Each is a {@link ConnectorError}.
 */
export class Connector {
  #start;
  #callTimeoutMs;
  /** @type {Instance | undefined} */
  #instance;
  /** @type {Contract.Setting[] | undefined} */
  #settings;
  /** @type {Promise<unknown>} */
  #calls = Promise.resolve();

  /**
   * @param {import("./instance.js").Start} start
   * @param {number} callTimeoutMs
   */
  constructor(start, callTimeoutMs) {
    this.#start = start;
    this.#callTimeoutMs = callTimeoutMs;
  }

  /** @returns {Promise<Contract.Manifest>} */
  describe() {
    return this.#call("describe");
  }

  /**
   * @param {Record<string, string>} settings
   * @returns {Promise<void>}
   */
  async configure(settings) {
    const list = Object.entries(settings).map(([key, value]) => ({ key, value }));
    await this.#call("configure", list);
    this.#settings = list;
  }

  /**
   * @param {Contract.Right[]} rights
   * @returns {Promise<Contract.Connection>}
   */
  check(rights) {
    return this.#call("check", rights);
  }

  /**
   * @param {Request[]} requests
   * @returns {Promise<Result[]>}
   */
  access(requests) {
    return this.#callForEach("access", requests.map(withDefaults));
  }

  /**
   * Note the second before the call: {@link attempted} takes it after a {@link CallLost} or `outcome-unknown`.
   *
   * @param {Request[]} requests
   * @param {Contract.DeletionMode} mode
   * @returns {Promise<Result[]>}
   */
  delete(requests, mode) {
    return this.#callForEach("delete", requests.map(withDefaults), mode);
  }

  /**
   * @param {Request[]} requests
   * @returns {Promise<Result[]>}
   */
  optOut(requests) {
    return this.#callForEach("optOut", requests.map(withDefaults));
  }

  /**
   * Poll requests with the same `pending.group` in one call.
   *
   * @param {Task[]} tasks
   * @returns {Promise<Result[]>}
   */
  poll(tasks) {
    return this.#callForEach(
      "poll",
      tasks.map(({ request, ticket }) => ({ request: withDefaults(request), ticket })),
    );
  }

  /**
   * @param {string} reference
   * @param {bigint} offset
   * @param {number} limit
   * @returns {Promise<Contract.Chunk>}
   */
  read(reference, offset, limit) {
    return this.#call("read", reference, offset, limit);
  }

  /**
   * The bytes of a document, in pieces. Reading one document to its end before the next is cheapest.
   *
   * @param {Contract.Content} content
   * @returns {AsyncGenerator<Uint8Array, void>}
   */
  async *bytes(content) {
    if (content.tag === "inline") {
      yield content.val;
      return;
    }
    for (let offset = 0n, last = false; !last; ) {
      const chunk = await this.read(content.val, offset, CHUNK_SIZE);
      offset += BigInt(chunk.bytes.length);
      last = chunk.last;
      yield chunk.bytes;
    }
  }

  /** Ends the instance and closes its connections. Another call creates a new instance. Tickets remain valid. */
  async close() {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.end();
  }

  /**
   * Calls a function that takes a list and returns one result per element.
   *
   * @param {"access" | "delete" | "optOut" | "poll"} name
   * @param {unknown[]} elements
   * @param {...unknown} more
   * @returns {Promise<Result[]>}
   */
  async #callForEach(name, elements, ...more) {
    /** @type {Contract.Result<Contract.Progress, Contract.Error>[]} */
    const results = await this.#call(name, elements, ...more);
    if (results.length !== elements.length) {
      throw new CallLost(`${name} returned ${results.length} results for ${elements.length} elements`);
    }
    return results.map((result) => (result.tag === "ok" ? result.val : new ConnectorError(result.val)));
  }

  /**
   * Calls a function after the calls before it.
   *
   * @template T
   * @param {keyof typeof Contract} name
   * @param {...unknown} given
   * @returns {Promise<T>}
   */
  #call(name, ...given) {
    const called = this.#calls.then(() => this.#callInstance(name, given));
    this.#calls = called.catch(() => {});
    return /** @type {Promise<T>} */ (called);
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   */
  async #callInstance(name, given) {
    try {
      if (!this.#instance || this.#instance.ended) {
        this.#instance = await Instance.start(this.#start, this.#callTimeoutMs);
        if (this.#settings) {
          await this.#instance.call("configure", [this.#settings]);
        }
      }
      return await this.#instance.call(name, given);
    } catch (error) {
      // An instance that has trapped accepts no more calls.
      if (error instanceof CallLost) {
        await this.close();
      }
      throw error;
    }
  }
}

/** An instance in its thread. It runs one call at a time. */
class Instance {
  #worker;
  #callTimeoutMs;
  /**
   * Resolves the current call.
   *
   * @type {((returned: import("./instance.js").Returned) => void) | undefined}
   */
  #resolve;
  /**
   * Why the thread has ended.
   *
   * @type {string | undefined}
   */
  #ended;

  /**
   * @param {import("./instance.js").Start} start
   * @param {number} callTimeoutMs
   */
  constructor(start, callTimeoutMs) {
    this.#callTimeoutMs = callTimeoutMs;
    // Without the flags that this process was started with.
    this.#worker = new Worker(new URL("./instance.js", import.meta.url), { workerData: start, execArgv: [] });
    this.#worker.on("message", (returned) => this.#resolve?.(returned));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#end("its thread has ended"));
  }

  /**
   * @param {import("./instance.js").Start} start
   * @param {number} callTimeoutMs
   */
  static async start(start, callTimeoutMs) {
    const instance = new Instance(start, callTimeoutMs);
    const ready = await instance.#returned(START_TIMEOUT_MS);
    if ("lost" in ready) {
      await instance.end();
      throw new Error(`The plugin cannot be used: ${ready.lost}`);
    }
    return instance;
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   */
  async call(name, given) {
    this.#worker.postMessage({ name, given });
    const returned = await this.#returned(this.#callTimeoutMs);
    if ("ok" in returned) {
      return returned.ok;
    }
    throw "error" in returned ? new ConnectorError(returned.error) : new CallLost(returned.lost);
  }

  get ended() {
    return this.#ended !== undefined;
  }

  async end() {
    await this.#worker.terminate();
  }

  /**
   * What the thread sends next. Between calls, the thread does not keep the process alive.
   *
   * @param {number} timeoutMs
   * @returns {Promise<import("./instance.js").Returned>}
   */
  async #returned(timeoutMs) {
    if (this.#ended !== undefined) {
      return { lost: this.#ended };
    }
    this.#worker.ref();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      return await new Promise((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(() => resolve({ lost: `it took longer than ${timeoutMs} ms` }), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      this.#resolve = undefined;
      this.#worker.unref();
    }
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended ??= reason;
    this.#resolve?.({ lost: this.#ended });
  }
}

/**
 * @param {Request} request
 * @returns {Contract.Request}
 */
function withDefaults(request) {
  return { overrides: [], ...request };
}
