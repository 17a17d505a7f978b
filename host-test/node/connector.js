/**
 * A privacy connector in Node: a WebAssembly component that jco has transpiled, as a class.
 *
 * ```js
 * const plugin = await Plugin.load("plugin/qualtrics.js");
 * const connector = plugin.connector();
 * await connector.configure({ "datacenter-id": "fra1", "client-id": "…", "client-secret": "…" });
 * ```
 *
 * Calls are promises. Each connector has a thread of its own, and does one call after the other; for more at once, take
 * more connectors. A call that ends with an error of the contract throws a {@link ConnectorError}, which says what can
 * be done about it; one that ends without an answer, a {@link ConnectorLost}.
 */

import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/**
 * @import * as Contract from "./contract.js"
 *
 * @typedef {Pick<Contract.Request, "key" | "subject"> & Partial<Contract.Request>} Request
 *   the contract's request; what is left out is none
 *
 * @typedef {{ request: Request, ticket: string }} Task
 *
 * @typedef {object} Options
 * @property {string[]} [egress]  the origins that the plugin may reach; those that it was built for, if left out
 * @property {number} [callTimeoutMs]  how long a call may take; a good plugin needs about a minute at most
 */

const CALL_TIMEOUT_MS = 75_000;

/** How long an instance may take until it is ready: that is this machine's affair, and not the plugin's. */
const START_TIMEOUT_MS = 60_000;

/** How much of a document is read at once, in bytes. A connector may give less. */
const PIECE = 64 * 1024;

/** An error of the contract: its members are those of `error` in the WIT. */
export class ConnectorError extends Error {
  /** @param {Contract.Error} told */
  constructor(told) {
    super(told.message);
    this.name = "ConnectorError";
    this.kind = told.kind;
    this.remedy = told.remedy;
    this.problems = told.problems;
    this.httpStatus = told.httpStatus;
    this.vendorCode = told.vendorCode;
    this.vendorRequestId = told.vendorRequestId;
    this.extra = told.extra;
  }
}

/**
 * A call ended without an answer: a trap, or its time was over. It counts as `outcome-unknown`: what it asked for may
 * have begun. The next call has a fresh instance, configured as this one was.
 */
export class ConnectorLost extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`The plugin ended without an answer: ${reason}`);
    this.name = "ConnectorLost";
  }
}

/** A plugin that is loaded and compiled, for any number of connectors. */
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
   * Loads what `jco transpile --instantiation sync` wrote.
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
   * A connector, for one connection. Its instance is made with its first call.
   *
   * @param {Options} [options]
   */
  connector({ egress, callTimeoutMs = CALL_TIMEOUT_MS } = {}) {
    /** @type {[string, string][]} */
    const environment = egress ? [["EGRESS_ORIGINS", egress.join(",")]] : [];
    return new Connector({ entry: this.#entry, modules: this.#modules, environment }, callTimeoutMs);
  }
}

/** One connection. The calls are those of `wit/connector.wit`, where each is described. */
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
   * @param {Request} request
   * @returns {Promise<Contract.Progress>}
   */
  access(request) {
    return this.#call("access", whole(request));
  }

  /**
   * @param {Request} request
   * @param {Contract.DeletionMode} mode
   * @returns {Promise<Contract.Progress>}
   */
  delete(request, mode) {
    return this.#call("delete", whole(request), mode);
  }

  /**
   * An error of one task is its answer, and is not thrown.
   *
   * @param {Task[]} tasks
   * @returns {Promise<(Contract.Progress | ConnectorError)[]>}
   */
  async poll(tasks) {
    const asked = tasks.map(({ request, ticket }) => ({ request: whole(request), ticket }));
    /** @type {Contract.Result<Contract.Progress, Contract.Error>[]} */
    const answers = await this.#call("poll", asked);
    return answers.map((answer) => (answer.tag === "ok" ? answer.val : new ConnectorError(answer.val)));
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
   * The bytes of a document, piece by piece, wherever they are. The connector keeps the file open from one piece to the
   * next, as long as no other is read in between.
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
      const chunk = await this.read(content.val, offset, PIECE);
      offset += BigInt(chunk.bytes.length);
      last = chunk.last;
      yield chunk.bytes;
    }
  }

  /** Ends the instance, and with it its connections. Nothing that matters is lost: another goes on with the tickets. */
  async close() {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.end();
  }

  /**
   * @template T
   * @param {keyof typeof Contract} name
   * @param {...unknown} given
   * @returns {Promise<T>}
   */
  #call(name, ...given) {
    const called = this.#calls.then(() => this.#answer(name, given));
    this.#calls = called.catch(() => {});
    return /** @type {Promise<T>} */ (called);
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   */
  async #answer(name, given) {
    try {
      if (!this.#instance || this.#instance.ended) {
        this.#instance = await Instance.begin(this.#start, this.#callTimeoutMs);
        if (this.#settings) {
          await this.#instance.call("configure", [this.#settings]);
        }
      }
      return await this.#instance.call(name, given);
    } catch (error) {
      // An instance that trapped takes no more calls.
      if (error instanceof ConnectorLost) {
        await this.close();
      }
      throw error;
    }
  }
}

/** The thread of an instance, seen from outside. It answers one call after the other. */
class Instance {
  #worker;
  #callTimeoutMs;
  /**
   * Takes the answer that is awaited.
   *
   * @type {((answer: import("./instance.js").Answer) => void) | undefined}
   */
  #told;
  /**
   * Why there will be no more answers.
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
    // Not with the flags that this process was started with.
    this.#worker = new Worker(new URL("./instance.js", import.meta.url), { workerData: start, execArgv: [] });
    this.#worker.on("message", (answer) => this.#told?.(answer));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#end("its thread has ended"));
  }

  /**
   * @param {import("./instance.js").Start} start
   * @param {number} callTimeoutMs
   */
  static async begin(start, callTimeoutMs) {
    const instance = new Instance(start, callTimeoutMs);
    const ready = await instance.#answer(START_TIMEOUT_MS);
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
    const answer = await this.#answer(this.#callTimeoutMs);
    if ("ok" in answer) {
      return answer.ok;
    }
    throw "error" in answer ? new ConnectorError(answer.error) : new ConnectorLost(answer.lost);
  }

  get ended() {
    return this.#ended !== undefined;
  }

  async end() {
    await this.#worker.terminate();
  }

  /**
   * The next answer. While none is awaited, the thread does not keep the process from its end.
   *
   * @param {number} timeoutMs
   * @returns {Promise<import("./instance.js").Answer>}
   */
  async #answer(timeoutMs) {
    if (this.#ended !== undefined) {
      return { lost: this.#ended };
    }
    this.#worker.ref();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      return await new Promise((told) => {
        this.#told = told;
        timer = setTimeout(() => told({ lost: `${timeoutMs} ms were not enough` }), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      this.#told = undefined;
      this.#worker.unref();
    }
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended ??= reason;
    this.#told?.({ lost: this.#ended });
  }
}

/**
 * @param {Request} request
 * @returns {Contract.Request}
 */
function whole(request) {
  return { confirmed: [], extra: [], ...request };
}
