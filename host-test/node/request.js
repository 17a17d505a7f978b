#!/usr/bin/env node
/**
 * Fulfils a request, or tests a connection:
 *
 *     privacy-host check  --settings settings.json
 *     privacy-host access --settings settings.json --id dsr-1 --email ada@example.org --out dsr-1
 *     privacy-host delete --settings settings.json --id dsr-2 --email ada@example.org --out dsr-2 --mode preview
 *
 * `settings.json` is an object with the settings of the connection. The state of the request, its report and its documents are
 * stored in the directory `--out`. After an interruption, the same command continues. The exit codes are those of the project's
 * command line.
 */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { CallLost, ConnectorError, Entry, Plugin } from "./connector.js";
import { RequestDirectory } from "./request-directory.js";

/**
 * @import * as Contract from "./contract.js"
 * @import { Connector } from "./connector.js"
 * @import { End, Operation } from "./entry.js"
 * @import { Update } from "./follow.js"
 */

const USAGE = `usage: privacy-host check|access|delete --settings FILE [--origin ORIGIN]...
  access, delete: --id ID --out DIRECTORY, and --email, --phone or --external-id, each any number of times
  delete:         --mode preview|erase|erase-and-verify, and [--override CODE]...
  check:          [--right access|deletion]...
  --plugin FILE   a transpiled connector; by default that of this package`;

const MODES = ["preview", "erase", "erase-and-verify"];

/** @type {Partial<Record<Contract.Outcome, number>>} */
const OUTCOME_CODES = { refused: 4, partial: 5, "data-remaining": 5, failed: 8 };
const [FAILED, WRONG_ARGUMENTS, INTERRUPTED, OUTCOME_UNKNOWN] = [1, 2, 3, 6];

/**
 * Follows the request to its end. This is what a platform does, with a database in place of the directory.
 *
 * @param {Connector} connector
 * @param {RequestDirectory} directory
 * @param {Entry} entry
 */
async function follow(connector, directory, entry) {
  let last = entry;
  for await (const update of connector.resume([entry])) {
    last = update.entry;
    await directory.store(update.entry);
    if (update.event.tag === "done") {
      await directory.save(connector, update.event.val).then(
        () => update.confirm(),
        (error) => update.fail(error),
      );
    }
    show(update);
  }
  return last.end;
}

/**
 * Prints a change of the request. It contains no identifier.
 *
 * @param {Update} update
 */
function show({ event }) {
  switch (event.tag) {
    case "starting":
      return console.log("starting");
    case "pending":
      return console.log(`${event.val.stage}; next poll in ${Math.floor(Number(event.val.pollAfterMs) / 1000)} s`);
    case "done":
      return console.log(`${event.val.outcome}; ${event.val.findings.length} findings`);
    case "failed":
      return console.log(`${event.val.kind}: ${event.val.message}`);
    case "lost":
      return console.log(event.val.message);
    default:
      return undefined;
  }
}

function parse() {
  const text = /** @type {const} */ ({ type: "string" });
  const list = /** @type {const} */ ({ type: "string", multiple: true });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      settings: text,
      id: text,
      out: text,
      mode: text,
      plugin: text,
      email: list,
      phone: list,
      "external-id": list,
      origin: list,
      override: list,
      right: list,
    },
  });
  const [command] = positionals;
  const isRequest = command === "access" || command === "delete";
  const isComplete = isRequest ? values.id && values.out : command === "check";
  if (positionals.length !== 1 || !values.settings || !isComplete) {
    throw new TypeError(USAGE);
  }
  if (command === "delete" ? !MODES.includes(values.mode ?? "") : values.mode || values.override) {
    throw new TypeError(USAGE);
  }
  return { command, ...values, settings: values.settings };
}

/** @param {ReturnType<typeof parse>} options */
function entryOf({ command, id = "", email = [], phone = [], "external-id": externalId = [], override = [], mode }) {
  /** @type {Contract.Identifier[]} */
  const subject = [
    ...email.map((val) => ({ tag: /** @type {const} */ ("email"), val })),
    ...phone.map((val) => ({ tag: /** @type {const} */ ("phone"), val })),
    ...externalId.map((val) => ({ tag: /** @type {const} */ ("external-id"), val })),
  ];
  return new Entry({ id, subject, overrides: override }, /** @type {Operation} */ (command === "delete" ? mode : "access"));
}

/** @param {End | null} end */
function codeOf(end) {
  if (!end) {
    return INTERRUPTED;
  }
  if (end.error) {
    console.error(`${end.error.kind}: ${end.error.message}`);
    return end.error.kind === "outcome-unknown" ? OUTCOME_UNKNOWN : FAILED;
  }
  return (end.outcome && OUTCOME_CODES[end.outcome]) ?? 0;
}

async function main() {
  const options = parse();
  const settings = JSON.parse(await readFile(options.settings, "utf8"));
  const plugin = await (options.plugin ? Plugin.load(options.plugin) : Plugin.bundled());
  // Without origins, the egress guard permits what it was built for.
  const connector = plugin.connector(options.origin ? { egress: options.origin } : {});
  try {
    await connector.configure(settings);
    if (options.command === "check") {
      const rights = options.right ?? ["access", "deletion"];
      const { tenant } = await connector.check(/** @type {Contract.Right[]} */ (rights));
      console.log(`connected to ${tenant}`);
      return 0;
    }
    const directory = new RequestDirectory(options.out ?? "");
    return codeOf(await follow(connector, directory, await directory.resume(entryOf(options))));
  } finally {
    await connector.close();
  }
}

process.once("SIGINT", () => {
  console.error("Interrupted. The same command continues.");
  process.exit(INTERRUPTED);
});
process.exitCode = await main().catch((error) => {
  if (error instanceof ConnectorError || error instanceof CallLost) {
    console.error(error instanceof ConnectorError ? `${error.kind}: ${error.message}` : error.message);
    return FAILED;
  }
  console.error(error instanceof Error ? error.message : error);
  return WRONG_ARGUMENTS;
});
