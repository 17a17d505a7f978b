/**
 * A privacy connector in Node: a WebAssembly component that jco has transpiled, as a class.
 *
 * ```js
 * const plugin = await Plugin.bundled();
 * const connector = plugin.connector();
 * await connector.configure({ "datacenter-id": "fra1", "client-id": "…", "client-secret": "…" });
 * ```
 *
 * Calls return promises. A connector runs one call at a time. Connectors share threads: as many calls run concurrently as there
 * are threads.
 */

import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CallLost, ConnectorError } from "./errors.js";
import { Entry } from "./entry.js";
import { Follower } from "./follow.js";
import { NotSent, Pool } from "./thread.js";

export { CallLost, ConnectorError } from "./errors.js";
export { Entry } from "./entry.js";

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
 * @typedef {object} PluginOptions
 * @property {number} [threads]  how many threads the connectors share at most: so many calls run concurrently
 *
 * @typedef {object} Options
 * @property {string[]} [egress]  the origins that the plugin may call; by default those that its guard was built for
 * @property {number} [callTimeoutMs]  the time limit of a call; connectors limit their calls to about 60 seconds
 */

const CALL_TIMEOUT_MS = 75_000;

/** How many threads the connectors of a plugin share, unless the caller decides. Each takes 25 to 45 MB. */
const THREADS = 3;

/** How many bytes of a document are requested at once. A connector may return fewer. */
const CHUNK_SIZE = 64 * 1024;

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
  #pool;

  /** @param {Pool} pool */
  constructor(pool) {
    this.#pool = pool;
  }

  /**
   * Loads the plugin of this package: the connector for Qualtrics, with the egress guard.
   *
   * @param {PluginOptions} [options]
   */
  static bundled(options) {
    return Plugin.load(fileURLToPath(new URL("./plugin/qualtrics.js", import.meta.url)), options);
  }

  /**
   * Loads the output of `jco transpile --instantiation sync`.
   *
   * @param {string} file  its JavaScript: `plugin/qualtrics.js`
   * @param {PluginOptions} [options]
   */
  static async load(file, { threads = THREADS } = {}) {
    const path = resolve(file);
    const [directory, core] = [dirname(path), `${basename(path, ".js")}.core`];
    const names = (await readdir(directory)).filter((name) => name.startsWith(core) && name.endsWith(".wasm"));
    const compiled = names.map(async (name) => {
      const module = await WebAssembly.compile(await readFile(join(directory, name)));
      return /** @type {[string, WebAssembly.Module]} */ ([name, module]);
    });
    const modules = new Map(await Promise.all(compiled));
    return new Plugin(new Pool({ entry: pathToFileURL(path).href, modules }, threads));
  }

  /**
   * A connector for one connection. Its instance is created by its first call.
   *
   * @param {Options} [options]
   */
  connector({ egress, callTimeoutMs = CALL_TIMEOUT_MS } = {}) {
    /** @type {[string, string][]} */
    const environment = egress ? [["EGRESS_ORIGINS", egress.join(",")]] : [];
    return new Connector(this.#pool, environment, callTimeoutMs);
  }
}

/**
 * One connection. `contract.d.ts` describes the functions.
 *
 * `access`, `delete`, `optOut` and `poll` return one result per element, in the same order; an error of an element is
 * returned in its place. The other functions throw an error of the contract. Each is a {@link ConnectorError}.
 */
export class Connector {
  #pool;
  #environment;
  #callTimeoutMs;
  /** @type {import("./thread.js").Instance | undefined} */
  #instance;
  /** @type {Contract.Setting[] | undefined} */
  #settings;
  /** @type {Promise<unknown>} */
  #calls = Promise.resolve();

  /**
   * @param {Pool} pool
   * @param {[string, string][]} environment
   * @param {number} callTimeoutMs
   */
  constructor(pool, environment, callTimeoutMs) {
    this.#pool = pool;
    this.#environment = environment;
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

  /**
   * Follows new requests to their end: see {@link Follower}.
   *
   * @param {Iterable<Request>} requests
   * @param {import("./entry.js").Operation} [operation]
   */
  follow(requests, operation = "access") {
    return this.resume([...requests].map((request) => new Entry(request, operation)));
  }

  /**
   * Follows requests from their stored state to their end.
   *
   * @param {Iterable<Entry>} entries
   * @param {import("./follow.js").Clock} [clock]
   */
  resume(entries, clock) {
    return new Follower(this, entries, clock);
  }

  /** Drops the instance, with the call in progress. Another call creates a new instance. Tickets remain valid. */
  async close() {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.drop();
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
    for (;;) {
      try {
        this.#instance ??= await this.#instantiate();
        return await this.#instance.call(name, given, this.#callTimeoutMs);
      } catch (error) {
        // An instance that has trapped accepts no more calls.
        if (error instanceof CallLost || error instanceof NotSent) {
          await this.close();
        }
        // A call of another connector has ended the thread before this call was made.
        if (!(error instanceof NotSent)) {
          throw error;
        }
      }
    }
  }

  async #instantiate() {
    const instance = await this.#pool.instantiate(this.#environment);
    if (this.#settings) {
      await instance.call("configure", [this.#settings], this.#callTimeoutMs).catch(async (error) => {
        await instance.drop();
        throw error;
      });
    }
    return instance;
  }
}

/**
 * @param {Request} request
 * @returns {Contract.Request}
 */
function withDefaults(request) {
  return { overrides: [], ...request };
}
