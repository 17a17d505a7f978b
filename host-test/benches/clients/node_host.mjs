// The component in the host of host-test/node: a connector, with its thread, for each errand, or one that is kept.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Where the host was copied to, with the plugin that jco made.
const platform = pathToFileURL(`${process.argv[2]}/`);
const { ConnectorError, Plugin } = await import(new URL("connector.js", platform));
const plugin = await Plugin.load(`${process.argv[2]}/plugin/qualtrics.js`);

const OUTCOMES = {
  access: "found", stream: "found", preview: "previewed", erase: "erased", "erase-and-verify": "verified",
};

/** The jobs of the simulated brand end at once: there is nothing to wait for. */
async function finished(connector, errand, request) {
  const reads = errand === "access" || errand === "stream";
  let progress = await (reads ? connector.access(request) : connector.delete(request, errand));
  while (progress.tag === "pending") {
    [progress] = await connector.poll([{ request, ticket: progress.val.ticket }]);
    if (progress instanceof ConnectorError) throw progress;
  }
  return progress.val;
}

async function configured({ origin, "client-id": id, "client-secret": secret }) {
  const connector = plugin.connector({ egress: [origin] });
  const client = { "client-id": id, "client-secret": secret };
  await connector.configure({ "datacenter-id": "fra1", ...client, "base-url": origin, "rate-share": "100" });
  return connector;
}

let keeps = false;
let kept;

async function run(asked) {
  const { errand, email } = asked;
  if (errand === "fresh" || errand === "kept") {
    await kept?.close();
    [keeps, kept] = [errand === "kept", undefined];
    return 0;
  }
  const connector = kept ?? (await configured(asked));
  const request = { key: "request-1", subject: [{ tag: "email", val: email }] };
  const { outcome, documents } = await finished(connector, errand, request);
  if (outcome !== OUTCOMES[errand]) throw new Error(outcome);
  let bytes = 0;
  for (const { content } of documents) {
    for await (const piece of connector.bytes(content)) bytes += piece.length;
  }
  if (keeps) kept = connector;
  else await connector.close();
  return bytes;
}

for await (const line of createInterface({ input: process.stdin })) {
  const errand = JSON.parse(line);
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  const bytes = await run(errand);
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  console.log(JSON.stringify({ wall_s: wall, cpu_s: (cpu.user + cpu.system) / 1e6, bytes }));
}
