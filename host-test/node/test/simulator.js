/** The program `privacy`, and the brands that it simulates. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @import { Json, Members } from "./vectors/canonical.js" */

/** The program: by default that of the debug build. */
export const PRIVACY =
  process.env["PRIVACY"] ?? fileURLToPath(new URL("../../../target/debug/privacy", import.meta.url));

/**
 * Starts a program, and waits for the line that says that it is ready.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {RegExp} ready
 * @param {{ env?: NodeJS.ProcessEnv, from?: "stdout" | "stderr", detached?: boolean }} [options]  `from`: where the line is
 *   printed; `detached`: for a program that does not end its own children
 */
export async function startProgram(program, args, ready, options = {}) {
  const { env = process.env, from = "stdout", detached = false } = options;
  const child = spawn(program, args, { env, detached, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of /** @type {const} */ (["stdout", "stderr"])) {
    child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
  }
  const exited = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${output.stderr}`)));
  });
  exited.catch(() => {});
  const line = (async () => {
    for await (const line of createInterface({ input: child[from] })) {
      const match = ready.exec(line);
      if (match) {
        return match;
      }
    }
    return exited;
  })();
  const match = /** @type {RegExpExecArray} */ (await Promise.race([line, exited]));
  // A full pipe would block the program.
  child[from].resume();
  const interrupt = () => {
    process.kill(detached ? -Number(child.pid) : Number(child.pid), "SIGINT");
  };
  // A failing test must not leave the program running.
  process.once("exit", interrupt);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  void ended.then(() => process.off("exit", interrupt));
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      interrupt();
      await ended;
    }
  };
  return { match, end };
}

/** The simulator's control API, which creates brands. */
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
    const { match, end } = await startProgram(PRIVACY, ["simulate", "--control", "0"], /^\{.*\}$/);
    return new Simulator(JSON.parse(match[0]).control, end);
  }

  /**
   * @param {Json} [simulator]  the brand, as `host-test/vectors/README.md` describes it
   */
  async createBrand(simulator = {}) {
    const names = await send(`${this.control}/scenarios`, "POST", simulator);
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

  /** The settings of a connection to it. */
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
    await send(this.#url, "POST", change);
  }

  async seen() {
    return await send(this.#url, "GET");
  }

  async delete() {
    await send(this.#url, "DELETE");
  }
}

/**
 * @param {string} url
 * @param {string} method
 * @param {Json} [body]
 * @returns {Promise<Members>}
 */
async function send(url, method, body) {
  const response = await fetch(url, { method, body: body === undefined ? null : JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`the simulator's control API returned ${response.status}: ${text}`);
  }
  return text === "" ? {} : JSON.parse(text);
}
