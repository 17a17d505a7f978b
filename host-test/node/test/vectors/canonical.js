/** The contract's values as JSON, spelled as in the WIT, and the reverse for what scenarios ask with. */

/**
 * @import * as Contract from "../../contract.js"
 *
 * @typedef {null | boolean | number | string | Json[] | Members} Json
 * @typedef {{ [key: string]: Json }} Members
 */

/**
 * A value of the contract as JSON.
 *
 * @param {unknown} value
 * @returns {Json}
 */
export function canonical(value) {
  switch (typeof value) {
    case "undefined":
      return null;
    case "boolean":
    case "number":
    case "string":
      return value;
    case "bigint":
      return Number(value);
    case "object":
      break;
    default:
      throw new Error(`there is no ${typeof value} in the contract`);
  }
  if (value === null) {
    return null;
  }
  if (value instanceof Uint8Array) {
    return new TextDecoder().decode(value);
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(/** @type {Iterable<unknown>} */ (value), canonical);
  }
  // No record of the contract has a field `tag`.
  if ("tag" in value && typeof value.tag === "string") {
    return "val" in value ? { [value.tag]: canonical(value.val) } : value.tag;
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [kebab(name), canonical(member)]));
}

/**
 * `pollAfterMs` in the WIT's way.
 *
 * @param {string} name
 */
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * @param {Json} variant
 * @returns {Contract.Identifier}
 */
export function identifier(variant) {
  const [[tag, val] = []] = Object.entries(variant ?? {});
  return /** @type {Contract.Identifier} */ ({ tag, val });
}
