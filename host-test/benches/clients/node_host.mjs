// The component in the host of host-test/node: a new connector with its thread for each task, or one that is reused.
// python_host.py does the same; errands.py describes the protocol.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// The directory with a copy of the host and the transpiled plugin.
const platform = pathToFileURL(`${process.argv[2]}/`);
const { ConnectorError, Plugin } = await import(new URL("connector.js", platform));
const plugin = await Plugin.load(`${process.argv[2]}/plugin/qualtrics.js`);

const OUTCOMES = {
  access: "found",
  stream: "found",
  preview: "previewed",
  erase: "deleted",
  "erase-and-verify": "verified",
};

/** Polls without delay: the jobs of the simulated brand end at once. */
async function complete(connector, errand, request) {
  const reads = errand === "access" || errand === "stream";
  let [progress] = await (reads ? connector.access([request]) : connector.delete([request], errand));
  for (;;) {
    if (progress instanceof ConnectorError) throw progress;
    if (progress.tag === "done") return progress.val;
    [progress] = await connector.poll([{ request, ticket: progress.val.ticket }]);
  }
}

async function configured({ origin, "client-id": id, "client-secret": secret }) {
  const connector = plugin.connector({ egress: [origin] });
  const client = { "client-id": id, "client-secret": secret };
  await connector.configure({ "datacenter-id": "fra1", ...client, "base-url": origin, "rate-share": "100" });
  return connector;
}

let reuse = false;
let reused;

async function run(task) {
  const { errand, email } = task;
  if (errand === "fresh" || errand === "kept") {
    await reused?.close();
    [reuse, reused] = [errand === "kept", undefined];
    return 0;
  }
  const connector = reused ?? (await configured(task));
  const request = { id: "request-1", subject: [{ tag: "email", val: email }] };
  const { outcome, documents } = await complete(connector, errand, request);
  if (outcome !== OUTCOMES[errand]) throw new Error(outcome);
  let bytes = 0;
  for (const { content } of documents) {
    for await (const piece of connector.bytes(content)) bytes += piece.length;
  }
  if (reuse) reused = connector;
  else await connector.close();
  return bytes;
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  const bytes = await run(task);
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  console.log(JSON.stringify({ wall_s: wall, cpu_s: (cpu.user + cpu.system) / 1e6, bytes }));
}
