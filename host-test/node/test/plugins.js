/** The components that `host-test` carries, transpiled as the README says. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { HOST_TEST } from "./simulator.js";

const run = promisify(execFile);

export const JCO = fileURLToPath(new URL("../node_modules/@bytecodealliance/jco/dist/jco.js", import.meta.url));

/** A directory that is gone when it is disposed of. */
export class Scratch {
  /** @param {string} path */
  constructor(path) {
    this.path = path;
  }

  static async make() {
    return new Scratch(await mkdtemp(join(tmpdir(), "privacy-connector-")));
  }

  /**
   * A component as `host-test` writes it.
   *
   * @param {"--guarded" | "--gateway"} [kind]  the connector alone, if left out
   */
  async component(kind) {
    const file = join(this.path, `${kind?.slice(2) ?? "plain"}.wasm`);
    await run(HOST_TEST, ["component", ...(kind ? [kind] : []), "--out", file]);
    return file;
  }

  /**
   * The JavaScript of a component.
   *
   * @param {string} file
   */
  async transpiled(file) {
    const directory = file.replace(/\.wasm$/, "");
    await run(process.execPath, [
      JCO,
      "transpile",
      file,
      "--instantiation",
      "sync",
      "--quiet",
      "--name",
      "plugin",
      "-o",
      directory,
    ]);
    return join(directory, "plugin.js");
  }

  /**
   * A copy of a file, with another text in the place of one that is as long.
   *
   * @param {string} file
   * @param {string} text
   * @param {string} other
   */
  async replaced(file, text, other) {
    const bytes = await readFile(file, "latin1");
    if (text.length !== other.length || !bytes.includes(text)) {
      throw new Error(`${text} cannot be replaced by ${other}`);
    }
    const copy = file.replace(/\.wasm$/, "-replaced.wasm");
    await writeFile(copy, bytes.replaceAll(text, other), "latin1");
    return copy;
  }

  async remove() {
    await rm(this.path, { recursive: true });
  }
}
