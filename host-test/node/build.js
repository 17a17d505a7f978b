/**
 * Adds to the package what the checkout has elsewhere: the transpiled connector, the declarations, and the licences. `npm pack` runs
 * this file, which needs the development dependencies.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const workspace = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} [cwd]
 */
const run = (program, args, cwd = root) => execFileSync(program, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });

/** @param {string} path */
const bin = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
if (!readFileSync(join(workspace, "Cargo.toml"), "utf8").includes(`[workspace.package]\nversion = "${version}"\n`)) {
  throw new Error(`the version of the workspace, in Cargo.toml, is not ${version}, which package.json has`);
}

for (const generated of ["plugin", "types", "LICENSE-APACHE", "LICENSE-MIT"]) {
  rmSync(join(root, generated), { recursive: true, force: true });
}
const scratch = mkdtempSync(join(tmpdir(), "privacy-host-"));
try {
  const component = join(scratch, "qualtrics.wasm");
  // PRIVACY names the program, if it is already built.
  const built = process.env["PRIVACY"];
  const [program, ...args] = built ? [built] : ["cargo", "run", "--locked", "--quiet", "--package", "host-test", "--"];
  run(program ?? "", [...args, "component", "--guarded", "--out", component], workspace);
  const options = ["--instantiation", "sync", "--no-typescript", "--minify", "--quiet", "-o", "plugin"];
  run(process.execPath, [bin("@bytecodealliance/jco/dist/jco.js"), "transpile", component, ...options]);
} finally {
  rmSync(scratch, { recursive: true });
}
run(process.execPath, [bin("typescript/bin/tsc"), "--project", "tsconfig.types.json"]);
copyFileSync(join(root, "contract.d.ts"), join(root, "types/contract.d.ts"));
for (const license of ["LICENSE-APACHE", "LICENSE-MIT"]) {
  copyFileSync(join(workspace, license), join(root, license));
}
