/**
 * An access request, from start to finish, as a program:
 *
 *     export QUALTRICS_CLIENT_SECRET=…
 *     node access.js --datacenter-id fra1 --client-id 0123 --id dsr-1 --email ada@example.org --out documents
 *
 * The ticket is stored in the output directory. If the program is interrupted, the same command continues the request.
 */

import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConnectorError, Plugin } from "./connector.js";

/** @import { Progress, Report } from "./contract.js" */
/** @import { Result } from "./connector.js" */

const text = /** @type {const} */ ({ type: "string" });
const { values: options } = parseArgs({
  options: {
    plugin: { type: "string", default: "plugin/qualtrics.js" },
    "datacenter-id": text,
    "client-id": text,
    "base-url": text,
    id: text,
    email: text,
    out: text,
  },
});
const { "datacenter-id": datacenterId, "client-id": clientId, "base-url": baseUrl, id, email, out } = options;
const secret = process.env["QUALTRICS_CLIENT_SECRET"];
if (!datacenterId || !clientId || !id || !email || !out || !secret) {
  console.error("Give --datacenter-id, --client-id, --id, --email and --out, and set QUALTRICS_CLIENT_SECRET.");
  process.exit(2);
}
/** @type {import("./connector.js").Request} */
const request = { id, subject: [{ tag: "email", val: email }] };
const ticketFile = join(out, "ticket");

const plugin = await Plugin.load(options.plugin);
// The egress guard permits Qualtrics by default. Any other origin must be permitted here.
const connector = plugin.connector(baseUrl ? { egress: [baseUrl] } : {});
await connector.configure({
  "datacenter-id": datacenterId,
  "client-id": clientId,
  "client-secret": secret,
  ...(baseUrl ? { "base-url": baseUrl } : {}),
});

await mkdir(out, { recursive: true, mode: 0o700 });
const report = await complete();
for (const document of report.documents) {
  const file = await open(join(out, document.name), "w", 0o600);
  for await (const piece of connector.bytes(document.content)) {
    await file.write(piece);
  }
  await file.close();
}
const receipt = JSON.stringify(report.receipt, (_, value) => (typeof value === "bigint" ? Number(value) : value));
await store(join(out, "receipt.json"), receipt);
console.log(`${id}: ${report.outcome}, ${report.documents.length} documents in ${out}`);
for (const { source, state, amount, note } of report.findings) {
  console.log(`  ${source}: ${state}, ${amount.tag === "count" ? amount.val : amount.tag}${note ? `; ${note}` : ""}`);
}
await connector.close();

/**
 * Starts the request, or continues it with the ticket of an earlier run, and polls until it is done.
 *
 * @returns {Promise<Report>}
 */
async function complete() {
  const stored = await readFile(ticketFile, "utf8").catch(() => undefined);
  let progress = stored === undefined ? await repeat(() => connector.access([request])) : await poll(stored);
  while (progress.tag === "pending") {
    const { ticket, stage, pollAfterMs } = progress.val;
    await store(ticketFile, ticket);
    console.log(`${id}: ${stage}, next poll in ${Math.ceil(Number(pollAfterMs) / 1000)} s`);
    await sleep(Number(pollAfterMs));
    progress = await poll(ticket);
  }
  return progress.val;
}

/** @param {string} ticket */
async function poll(ticket) {
  return await repeat(() => connector.poll([{ request, ticket }]));
}

/**
 * The result of a call for one request. The call is repeated after an error with the remedy `retry`; any other error ends
 * the program. `access` and `poll` are safe to repeat.
 *
 * @param {() => Promise<Result[]>} call
 * @returns {Promise<Progress>}
 */
async function repeat(call) {
  for (;;) {
    const [result] = await call();
    if (result && !(result instanceof ConnectorError)) {
      return result;
    }
    if (result?.remedy.tag === "restart") {
      // The ticket is spent. The next run starts the request again.
      await rm(ticketFile, { force: true });
    }
    if (result?.remedy.tag !== "retry") {
      throw result;
    }
    console.log(`${id}: ${result.message} Next try in ${Math.ceil(Number(result.remedy.val) / 1000)} s`);
    await sleep(Number(result.remedy.val));
  }
}

/**
 * Writes a file completely or not at all.
 *
 * @param {string} path
 * @param {string} content
 */
async function store(path, content) {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
