/** Defective components, written in WebAssembly's text format. */

import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco";

/** @import { Scratch } from "./plugins.js" */

const CONTRACT = fileURLToPath(new URL("../../../wit", import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL("../../../edge/egress-guard/wit/deps/cli", import.meta.url));

/**
 * `configure` succeeds, `check` never ends, `access` traps. `poll` returns an empty list, but traps on an instance that was
 * not configured or has trapped before. `opt-out` returns an empty list. The other functions trap.
 */
const PLUGIN = `(module
    (import "wasi:cli/environment@0.2.0" "get-environment" (func (param i32)))
    (memory (export "memory") 1)
    (global $configured (mut i32) (i32.const 0))
    (global $trapped (mut i32) (i32.const 0))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "CONNECTOR#describe") (result i32) unreachable)
    (func (export "CONNECTOR#configure") (param i32 i32) (result i32)
        (global.set $configured (i32.const 1))
        (i32.const 0))
    (func (export "CONNECTOR#check") (param i32 i32) (result i32) (loop $again (br $again)) unreachable)
    (func (export "CONNECTOR#access") (param i32 i32) (result i32)
        (global.set $trapped (i32.const 1))
        unreachable)
    (func (export "CONNECTOR#delete") (param i32 i32 i32) (result i32) unreachable)
    (func (export "CONNECTOR#opt-out") (param i32 i32) (result i32) (i32.const 0))
    (func (export "CONNECTOR#poll") (param i32 i32) (result i32)
        (if (i32.or (i32.eqz (global.get $configured)) (global.get $trapped)) (then unreachable))
        (i32.const 0))
    (func (export "CONNECTOR#read") (param i32 i32 i64 i32) (result i32) unreachable))`;

/**
 * A defective plugin.
 *
 * @param {Scratch} scratch
 */
export async function plugin(scratch) {
  const world = "world guest { include plugin; import wasi:cli/environment@0.2.0; }";
  return await component(scratch, PLUGIN.replaceAll("CONNECTOR", "privacy:connector/connector@0.2.0"), world);
}

/**
 * A gateway that traps on every request.
 *
 * @param {Scratch} scratch
 */
export async function gateway(scratch) {
  const module = `(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32) unreachable))`;
  return await component(scratch, module, "world guest { export wasi:http/incoming-handler@0.2.0; }");
}

/**
 * @param {Scratch} scratch
 * @param {string} module
 * @param {string} world
 */
async function component(scratch, module, world) {
  const wit = join(scratch.path, "guest-wit");
  await cp(CONTRACT, wit, { recursive: true });
  await cp(ENVIRONMENT, join(wit, "deps", "cli"), { recursive: true });
  const contract = join(wit, "connector.wit");
  await writeFile(contract, `${await readFile(contract, "utf8")}\n${world}\n`);
  const embedded = await componentEmbed({
    binary: await parse(module),
    witPath: wit,
    world: "guest",
  });
  const file = join(scratch.path, "guest.wasm");
  await writeFile(file, await componentNew(embedded));
  return file;
}
