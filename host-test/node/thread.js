/** Threads that connectors share, and the instances in them. */

import { Worker } from "node:worker_threads";
import { CallLost, ConnectorError } from "./errors.js";

/** @import { Message, Returned, Start } from "./worker.js" */

/** The time limit for starting a thread and an instance. It depends on this machine only. */
const START_TIMEOUT_MS = 60_000;

/** The thread ended before a call was sent to it: the call can be made in another one. */
export class NotSent extends Error {}

/** The threads of a plugin. */
export class Pool {
  #start;
  #size;
  /** @type {Set<Thread>} */
  #threads = new Set();

  /**
   * @param {Start} start
   * @param {number} size  how many threads there are at most
   */
  constructor(start, size) {
    this.#start = start;
    this.#size = size;
  }

  /**
   * Creates an instance, in the thread with the fewest instances.
   *
   * @param {[string, string][]} environment
   */
  async instantiate(environment) {
    for (const thread of this.#threads) {
      if (thread.ended) {
        this.#threads.delete(thread);
      }
    }
    let [thread] = [...this.#threads].sort((one, other) => one.instances - other.instances);
    if (!thread || (thread.instances > 0 && this.#threads.size < this.#size)) {
      thread = new Thread(this.#start);
      this.#threads.add(thread);
    }
    return await Instance.create(thread, environment);
  }
}

/** A thread that makes one call at a time. Between calls, it does not keep the process alive. */
class Thread {
  #worker;
  /** How many instances there are. Without any, the thread ends: that closes their connections. */
  instances = 0;
  /** @type {Promise<unknown>} */
  #calls = Promise.resolve();
  /**
   * Resolves the call in progress.
   *
   * @type {((returned: Returned) => void) | undefined}
   */
  #resolve;
  /**
   * Why the thread has ended.
   *
   * @type {string | undefined}
   */
  #ended;

  /** @param {Start} start */
  constructor(start) {
    // Without the flags that this process was started with.
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: start, execArgv: [] });
    this.#worker.on("message", (returned) => this.#resolve?.(returned));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#end("its thread has ended"));
    this.#worker.unref();
  }

  get ended() {
    return this.#ended !== undefined;
  }

  /**
   * Sends a message after those before it, and returns the answer. Throws `NotSent` if the thread has ended by then.
   *
   * @param {Message} message
   * @param {number} timeoutMs
   * @param {() => void} [sent]  called when the message is sent
   * @returns {Promise<Returned>}
   */
  ask(message, timeoutMs, sent) {
    const asked = this.#calls.then(async () => {
      if (this.#ended !== undefined) {
        throw new NotSent(this.#ended);
      }
      sent?.();
      this.#worker.postMessage(message);
      return await this.#returned(timeoutMs);
    });
    this.#calls = asked.catch(() => {});
    return asked;
  }

  /** @param {number} instance */
  async drop(instance) {
    this.instances -= 1;
    if (this.instances === 0) {
      await this.end();
    } else if (!this.ended) {
      this.#worker.postMessage({ instance, drop: true });
    }
  }

  /** Ends the thread, and with it the call in progress. The other instances in it are created again for their next call. */
  async end() {
    this.#end("its thread has ended");
    // An end that is awaited keeps the process alive.
    this.#worker.ref();
    await this.#worker.terminate();
  }

  /**
   * @param {number} timeoutMs
   * @returns {Promise<Returned>}
   */
  async #returned(timeoutMs) {
    this.#worker.ref();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    /** @type {Promise<Returned>} */
    const returned = new Promise((resolve) => {
      this.#resolve = resolve;
      timer = setTimeout(() => {
        resolve({ lost: `it took longer than ${timeoutMs} ms` });
        void this.end();
      }, timeoutMs);
    });
    try {
      return await returned;
    } finally {
      clearTimeout(timer);
      this.#resolve = undefined;
      if (!this.ended) {
        this.#worker.unref();
      }
    }
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended ??= reason;
    this.#resolve?.({ lost: this.#ended });
  }
}

let created = 0;

/** An instance in a thread. */
export class Instance {
  #thread;
  #id = ++created;
  #isInCall = false;
  #isDropped = false;

  /** @param {Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    thread.instances += 1;
  }

  /**
   * @param {Thread} thread
   * @param {[string, string][]} environment
   */
  static async create(thread, environment) {
    const instance = new Instance(thread);
    try {
      const answer = await thread.ask({ instance: instance.#id, create: environment }, START_TIMEOUT_MS);
      if ("ok" in answer) {
        return instance;
      }
      const reason = "unusable" in answer ? answer.unusable : "lost" in answer ? answer.lost : answer.error.message;
      throw new Error(`The plugin cannot be used: ${reason}`);
    } catch (error) {
      await instance.drop();
      throw error;
    }
  }

  /**
   * @param {string} name
   * @param {unknown[]} given
   * @param {number} timeoutMs
   */
  async call(name, given, timeoutMs) {
    const message = { instance: this.#id, call: name, given };
    const sent = () => {
      this.#isInCall = true;
    };
    try {
      const answer = await this.#thread.ask(message, timeoutMs, sent);
      if ("ok" in answer) {
        return answer.ok;
      }
      throw "error" in answer
        ? new ConnectorError(answer.error)
        : new CallLost("lost" in answer ? answer.lost : answer.unusable);
    } finally {
      this.#isInCall = false;
    }
  }

  /** Ends the call in progress, and drops the instance. */
  async drop() {
    if (this.#isDropped) {
      return;
    }
    this.#isDropped = true;
    if (this.#isInCall) {
      await this.#thread.end();
    }
    await this.#thread.drop(this.#id);
  }
}
