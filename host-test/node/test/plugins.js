/** Components that the package does not contain: transpiled as `build.js` transpiles the bundled one, which other tests use. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PRIVACY } from "./simulator.js";

const run = promisify(execFile);

export const JCO = fileURLToPath(new URL("../node_modules/@bytecodealliance/jco/dist/jco.js", import.meta.url));

/** A temporary directory. */
export class Scratch {
  /** @param {string} path */
  constructor(path) {
    this.path = path;
  }

  static async create() {
    return new Scratch(await mkdtemp(join(tmpdir(), "privacy-connector-")));
  }

  /**
   * A component, written by `privacy`.
   *
   * @param {"--guarded" | "--gateway"} [kind]  by default the connector alone
   */
  async component(kind) {
    const file = join(this.path, `${kind?.slice(2) ?? "plain"}.wasm`);
    await run(PRIVACY, ["component", ...(kind ? [kind] : []), "--out", file]);
    return file;
  }

  /**
   * The JavaScript of a component.
   *
   * @param {string} file
   */
  async transpile(file) {
    const directory = file.replace(/\.wasm$/, "");
    const options = ["--instantiation", "sync", "--quiet", "--name", "plugin", "-o", directory];
    await run(process.execPath, [JCO, "transpile", file, ...options]);
    return join(directory, "plugin.js");
  }

  /**
   * A copy of a file in which one text is replaced by another of the same length.
   *
   * @param {string} file
   * @param {string} text
   * @param {string} other
   */
  async replace(file, text, other) {
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
