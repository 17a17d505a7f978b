/**
 * An access request from its beginning to its end, as a program:
 *
 *     export QUALTRICS_CLIENT_SECRET=…
 *     node access.js --datacenter-id fra1 --client-id 0123 --key dsr-1 --email ada@example.org --out answer
 *
 * The ticket is kept in the directory for the answer, so that the same command goes on after whatever happened in
 * between.
 */

import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConnectorError, Plugin } from "./connector.js";

/** @import { Progress, Report } from "./contract.js" */

const text = /** @type {const} */ ({ type: "string" });
const { values: asked } = parseArgs({
  options: {
    plugin: { type: "string", default: "plugin/qualtrics.js" },
    "datacenter-id": text,
    "client-id": text,
    "base-url": text,
    key: text,
    email: text,
    out: text,
  },
});
const { "base-url": baseUrl, key, email, out } = asked;
const secret = process.env["QUALTRICS_CLIENT_SECRET"];
if (!asked["datacenter-id"] || !asked["client-id"] || !key || !email || !out || !secret) {
  console.error("Give --datacenter-id, --client-id, --key, --email and --out, and set QUALTRICS_CLIENT_SECRET.");
  process.exit(2);
}

const plugin = await Plugin.load(asked.plugin);
// Where it is not Qualtrics itself, the guard has to know, too.
const connector = plugin.connector(baseUrl ? { egress: [baseUrl] } : {});
await connector.configure({
  "datacenter-id": asked["datacenter-id"],
  "client-id": asked["client-id"],
  "client-secret": secret,
  ...(baseUrl ? { "base-url": baseUrl } : {}),
});

await mkdir(out, { recursive: true, mode: 0o700 });
const report = await followed(await begun());
for (const document of report.documents) {
  const file = await open(join(out, document.name), "w", 0o600);
  for await (const piece of connector.bytes(document.content)) {
    await file.write(piece);
  }
  await file.close();
}
await kept(
  "receipt.json",
  JSON.stringify(report.receipt, (_, value) => (typeof value === "bigint" ? Number(value) : value)),
);
console.log(`${key}: ${report.outcome}, ${report.documents.length} documents in ${out}`);
for (const { source, state, amount, note } of report.findings) {
  console.log(`  ${source}: ${state}, ${amount.tag === "exactly" ? amount.val : amount.tag}${note ? `; ${note}` : ""}`);
}
await connector.close();

/** The request as it was asked, with what a retry has to say. @param {bigint} [firstAttemptAt] */
function request(firstAttemptAt) {
  const subject = [{ tag: /** @type {const} */ ("email"), val: String(email) }];
  return { key: String(key), subject, ...(firstAttemptAt === undefined ? {} : { firstAttemptAt }) };
}

/**
 * The ticket of an earlier run, or a new one.
 *
 * @returns {Promise<Progress>}
 */
async function begun() {
  const ticket = await readFile(join(String(out), "ticket"), "utf8").catch(() => undefined);
  if (ticket !== undefined) {
    return await polled(ticket);
  }
  const now = BigInt(Math.floor(Date.now() / 1000));
  /** @type {bigint | undefined} */
  let firstAttemptAt;
  return await patiently(async () => {
    try {
      return await connector.access(request(firstAttemptAt));
    } catch (error) {
      if (error instanceof ConnectorError && error.kind === "outcome-unknown") {
        firstAttemptAt = now;
      }
      throw error;
    }
  });
}

/**
 * The last word.
 *
 * @param {Progress} progress
 * @returns {Promise<Report>}
 */
async function followed(progress) {
  while (progress.tag === "pending") {
    const { ticket, stage, pollAfterMs } = progress.val;
    await kept("ticket", ticket);
    console.log(`${key}: ${stage}, next look in ${Math.ceil(Number(pollAfterMs) / 1000)} s`);
    await sleep(Number(pollAfterMs));
    progress = await polled(ticket);
  }
  return progress.val;
}

/** @param {string} ticket */
async function polled(ticket) {
  return await patiently(async () => {
    const [answer] = await connector.poll([{ request: request(), ticket }]);
    if (!answer || answer instanceof ConnectorError) {
      throw answer;
    }
    return answer;
  });
}

/**
 * What a call answers, once it does: an error that says when to try again is waited out. Any other is for a person.
 *
 * @template T
 * @param {() => Promise<T>} call
 */
async function patiently(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.remedy.tag !== "retry") {
        throw error;
      }
      console.log(`${key}: ${error.message} Next try in ${Math.ceil(Number(error.remedy.val) / 1000)} s`);
      await sleep(Number(error.remedy.val));
    }
  }
}

/**
 * Keeps a file in the directory for the answer, all of it or nothing.
 *
 * @param {string} name
 * @param {string} content
 */
async function kept(name, content) {
  const path = join(String(out), name);
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
