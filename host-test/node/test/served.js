/** A component served by `jco serve`, as an HTTP client sees it. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { JCO } from "./plugins.js";
import { startProgram } from "./simulator.js";

/** @import { Json } from "./vectors/canonical.js" */
/** @import { Scratch } from "./plugins.js" */
/** @import { Brand } from "./simulator.js" */

/** The token that callers must send. */
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
   * Serves each request on an instance of its own, in a worker of its own: only this mode survives a trap.
   *
   * @param {Scratch} scratch
   * @param {string} file
   * @param {Record<string, string>} variables
   */
  static async start(scratch, file, variables) {
    const directory = join(scratch.path, `served-${Math.random()}`);
    const isolation = ["--isolate-requests", "worker", "--isolate-worker-pool-size", "2"];
    // jco tries ports until one is free, and prints it.
    const { match, end } = await startProgram(
      process.execPath,
      [JCO, "serve", file, "--host", "127.0.0.1", ...isolation, "--jco-dir", directory],
      /^Server listening @ (127\.0\.0\.1:\d+)/,
      { env: { PATH: process.env["PATH"], ...variables }, from: "stderr", detached: true },
    );
    return new Served(`http://${match[1]}`, end);
  }

  /**
   * @param {string} path
   * @param {Json} [body]
   * @param {Record<string, string>} [headers]
   */
  async fetch(path, body, headers = { authorization: `Bearer ${TOKEN}` }) {
    return await fetch(`${this.origin}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
  }
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
export const json = (response) => response.json();

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
