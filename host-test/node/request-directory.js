/** The files of one request. Only their owner can read them. */

import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Entry } from "./entry.js";

/**
 * @import * as Contract from "./contract.js"
 * @import { Connector } from "./connector.js"
 */

/**
 * A directory with the state of a request (`entry.json`, which contains its ticket), its report (`report.json`) and its documents
 * (`documents/`). Directories have the mode 0700 and files 0600. A file is replaced as a whole, and is on disk when the promise
 * resolves: a process or a machine that fails continues from what was stored. One process at a time may use a directory.
 */
export class RequestDirectory {
  #path;

  /** @param {string} path */
  constructor(path) {
    this.#path = path;
  }

  /**
   * The new entry, continued from the stored state if there is one. Throws if that is another request.
   *
   * @param {Entry} entry
   */
  async resume(entry) {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const stored = await readFile(join(this.#path, "entry.json"), "utf8").catch((error) => {
      if (error.code !== "ENOENT") {
        throw error;
      }
    });
    return stored === undefined ? entry : entry.resume(Entry.parse(stored));
  }

  /** @param {Entry} entry */
  async store(entry) {
    await replace(join(this.#path, "entry.json"), [Buffer.from(JSON.stringify(entry))]);
  }

  /**
   * Stores the documents and the report, which then names the documents without their content.
   *
   * @param {Connector} connector
   * @param {Contract.Report} report
   */
  async save(connector, report) {
    const documents = join(this.#path, "documents");
    // Left over by a run that was interrupted.
    await rm(documents, { recursive: true, force: true });
    await mkdir(documents, { mode: 0o700 });
    for (const { name, content } of report.documents) {
      await replace(join(documents, name), connector.bytes(content));
    }
    const named = { ...report, documents: report.documents.map(({ content: _, ...document }) => document) };
    const text = JSON.stringify(named, (_, value) => (typeof value === "bigint" ? Number(value) : value), 2);
    await replace(join(this.#path, "report.json"), [Buffer.from(text)]);
  }
}

/**
 * @param {string} path
 * @param {Iterable<Uint8Array> | AsyncIterable<Uint8Array>} content
 */
async function replace(path, content) {
  const part = join(dirname(path), `.${basename(path)}.part`);
  await rm(part, { force: true });
  const file = await open(part, "wx", 0o600);
  try {
    for await (const piece of content) {
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  if (process.platform !== "win32") {
    const directory = await open(dirname(path));
    await directory.sync().finally(() => directory.close());
  }
}
