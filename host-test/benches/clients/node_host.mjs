// The component in the host of `host-test/node`. It has a new connector with its thread for each command, or reuses one.
// `python_host.py` does the same. `command_loop.py` describes the protocol.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// The directory with a copy of the host and the transpiled component.
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

/** Polls without delay: jobs of the simulated brand complete at once. */
async function pollUntilDone(connector, name, request) {
  const isAccess = name === "access" || name === "stream";
  let [progress] = await (isAccess ? connector.access([request]) : connector.delete([request], name));
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

async function execute(command) {
  const { command: name, email } = command;
  if (name === "fresh" || name === "kept") {
    await reused?.close();
    [reuse, reused] = [name === "kept", undefined];
    return 0;
  }
  const connector = reused ?? (await configured(command));
  const request = { id: "request-1", subject: [{ tag: "email", val: email }] };
  const { outcome, documents } = await pollUntilDone(connector, name, request);
  if (outcome !== OUTCOMES[name]) throw new Error(`the outcome is ${outcome}, not ${OUTCOMES[name]}`);
  let bytes = 0;
  for (const { content } of documents) {
    for await (const chunk of connector.bytes(content)) bytes += chunk.length;
  }
  if (reuse) reused = connector;
  else await connector.close();
  return bytes;
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  const bytes = await execute(command);
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  console.log(JSON.stringify({ wall_s: wall, cpu_s: (cpu.user + cpu.system) / 1e6, bytes }));
}
