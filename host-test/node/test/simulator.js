/** The program `host-test`, and the brands that it simulates. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @import { Json, Members } from "./vectors/canonical.js" */

/** The program, as `cargo build -p host-test` leaves it. */
export const HOST_TEST =
  process.env["HOST_TEST"] ?? fileURLToPath(new URL("../../../target/debug/host-test", import.meta.url));

/**
 * Starts a program, and waits for the line that says that it is ready.
 *
 * @param {string} program
 * @param {string[]} given
 * @param {RegExp} ready
 * @param {{ env?: NodeJS.ProcessEnv, of?: "stdout" | "stderr", detached?: boolean }} [options]  `of` is where the line
 *   comes; `detached`, for a program that leaves its own children behind
 */
export async function started(program, given, ready, { env = process.env, of = "stdout", detached = false } = {}) {
  const child = spawn(program, given, { env, detached, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of /** @type {const} */ (["stdout", "stderr"])) {
    child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  }
  const gone = new Promise((_, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`${program} ended with ${code}: ${said.stderr}`)));
  });
  gone.catch(() => {});
  const line = (async () => {
    for await (const line of createInterface({ input: child[of] })) {
      const found = ready.exec(line);
      if (found) {
        return found;
      }
    }
    return gone;
  })();
  const found = /** @type {RegExpExecArray} */ (await Promise.race([line, gone]));
  // Nobody reads lines any more, and a full pipe would hold the program.
  child[of].resume();
  const interrupt = () => {
    process.kill(detached ? -Number(child.pid) : Number(child.pid), "SIGINT");
  };
  // A test that fails must not leave it behind.
  process.once("exit", interrupt);
  const ended = new Promise((ended) => child.once("exit", ended));
  void ended.then(() => process.off("exit", interrupt));
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      interrupt();
      await ended;
    }
  };
  return { child, found, said, end };
}

/** Simulated brands to order. */
export class Simulator {
  /**
   * @param {string} control
   * @param {() => Promise<void>} end
   */
  constructor(control, end) {
    this.control = control;
    this.end = end;
  }

  static async start() {
    const { found, end } = await started(HOST_TEST, ["simulate", "--control", "0"], /^\{.*\}$/);
    return new Simulator(JSON.parse(found[0]).control, end);
  }

  /**
   * @param {Json} [simulator]  what the brand is like, in the words of `host-test/vectors/README.md`
   */
  async order(simulator = {}) {
    const names = await ask(`${this.control}/scenarios`, "POST", simulator);
    return new Brand(`${this.control}${names["scenario"]}`, /** @type {Record<string, string>} */ (names));
  }
}

/** A simulated brand. */
export class Brand {
  #url;

  /**
   * @param {string} url
   * @param {Record<string, string>} names
   */
  constructor(url, names) {
    this.#url = url;
    this.names = names;
    this.origin = names["origin"] ?? "";
  }

  /** What a connection to it is configured with. */
  get settings() {
    return {
      "datacenter-id": "fra1",
      "client-id": this.names["client-id"] ?? "",
      "client-secret": this.names["client-secret"] ?? "",
      "base-url": this.origin,
    };
  }

  /** @param {Json} change */
  async change(change) {
    await ask(this.#url, "POST", change);
  }

  async seen() {
    return await ask(this.#url, "GET");
  }

  async end() {
    await ask(this.#url, "DELETE");
  }
}

/**
 * @param {string} url
 * @param {string} method
 * @param {Json} [body]
 * @returns {Promise<Members>}
 */
async function ask(url, method, body) {
  const answer = await fetch(url, { method, body: body === undefined ? null : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`the simulator's control answers ${answer.status}: ${text}`);
  }
  return text === "" ? {} : JSON.parse(text);
}
