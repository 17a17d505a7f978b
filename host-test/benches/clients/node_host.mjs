// The component in Node, transpiled by jco: configured anew for each errand.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { connector } = await import(pathToFileURL(`${process.argv[2]}/connector/qualtrics.js`));

const OUTCOMES = {
  access: "found", stream: "found", preview: "previewed", erase: "erased", "erase-and-verify": "verified",
};

/** How long a document is: what is not inside the report is read to its end, in pieces. */
function read({ content }) {
  if (content.tag === "inline") return content.val.length;
  for (let offset = 0; ; ) {
    const chunk = connector.read(content.val, BigInt(offset), 64 * 1024);
    offset += chunk.bytes.length;
    if (chunk.last) return offset;
  }
}

function run({ errand, email, origin, ...client }) {
  const settings = { "datacenter-id": "fra1", ...client, "base-url": origin, "rate-share": "100" };
  connector.configure(Object.entries(settings).map(([key, value]) => ({ key, value })));
  const request = { key: "request-1", subject: [{ tag: "email", val: email }], confirmed: [], extra: [] };
  const access = errand === "access" || errand === "stream";
  let progress = access ? connector.access(request) : connector.delete(request, errand);
  while (progress.tag === "pending") {
    const [answer] = connector.poll([{ request, ticket: progress.val.ticket }]);
    if (answer.tag === "err") throw new Error(answer.val.message);
    progress = answer.val;
  }
  if (progress.val.outcome !== OUTCOMES[errand]) throw new Error(progress.val.outcome);
  return progress.val.documents.reduce((sum, document) => sum + read(document), 0);
}

for await (const line of createInterface({ input: process.stdin })) {
  const errand = JSON.parse(line);
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  const bytes = run(errand);
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  console.log(JSON.stringify({ wall_s: wall, cpu_s: (cpu.user + cpu.system) / 1e6, bytes }));
}
