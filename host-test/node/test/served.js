/** A file that `jco serve` serves, as a caller sees it. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { JCO } from "./plugins.js";
import { started } from "./simulator.js";

/** @import { Json } from "./vectors/canonical.js" */
/** @import { Scratch } from "./plugins.js" */
/** @import { Brand } from "./simulator.js" */

/** What callers have to send. */
const TOKEN = "of-the-callers";

export class Served {
  /**
   * @param {string} origin
   * @param {() => Promise<void>} end
   */
  constructor(origin, end) {
    this.origin = origin;
    this.end = end;
  }

  /**
   * Each request has an instance of its own, in a worker of its own: that alone survives a trap.
   *
   * @param {Scratch} scratch
   * @param {string} file
   * @param {Record<string, string>} variables
   */
  static async start(scratch, file, variables) {
    // One free port after the other is tried, and the one that was free is said.
    const { found, end } = await started(
      process.execPath,
      [
        JCO,
        "serve",
        file,
        "--host",
        "127.0.0.1",
        "--isolate-requests",
        "worker",
        "--isolate-worker-pool-size",
        "2",
      ].concat(["--jco-dir", join(scratch.path, `served-${Math.random()}`)]),
      /^Server listening @ (127\.0\.0\.1:\d+)/,
      { env: { PATH: process.env["PATH"], ...variables }, of: "stderr", detached: true },
    );
    return new Served(`http://${found[1]}`, end);
  }

  /**
   * @param {string} path
   * @param {Json} [body]
   * @param {Record<string, string>} [headers]
   */
  async ask(path, body, headers = { authorization: `Bearer ${TOKEN}` }) {
    return await fetch(`${this.origin}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<any>}
 */
export const json = (answer) => answer.json();

/**
 * The environment of a gateway to a brand.
 *
 * @param {Brand} brand
 * @returns {Record<string, string>}
 */
export function variables(brand) {
  const settings = Object.entries(brand.settings).map(([key, value]) => [
    `CONNECTOR_${key.toUpperCase().replaceAll("-", "_")}`,
    value,
  ]);
  return {
    GATEWAY_TOKEN_SHA256: createHash("sha256").update(TOKEN).digest("hex"),
    EGRESS_ORIGINS: brand.origin,
    ...Object.fromEntries(settings),
  };
}
