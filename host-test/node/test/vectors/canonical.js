/** JSON of the contract's values as scenarios expect it, and the requests that scenarios contain. */

/**
 * @import * as Contract from "../../contract.js"
 * @import { Request } from "../../connector.js"
 *
 * @typedef {null | boolean | number | string | Json[] | Members} Json
 * @typedef {{ [key: string]: Json }} Members
 *
 * @typedef {object} RequestTemplate  a request, as a scenario writes it
 * @property {string} id
 * @property {Json[]} subject
 * @property {{ "first-at": number, "last-at": number } | null} [attempts]
 * @property {number | [number, number]} [attempts-ago]
 * @property {string[]} [overrides]
 */

const REQUEST_MEMBERS = new Set(["id", "subject", "attempts", "attempts-ago", "overrides"]);

/**
 * A value of the contract, spelled as in the WIT.
 *
 * @param {unknown} value
 * @returns {Json}
 */
export function toJson(value) {
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
      throw new Error(`the contract has no ${typeof value}`);
  }
  if (value === null) {
    return null;
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString("base64");
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(/** @type {Iterable<unknown>} */ (value), toJson);
  }
  // No record of the contract has a field `tag`.
  if ("tag" in value && typeof value.tag === "string") {
    return "val" in value ? { [value.tag]: toJson(value.val) } : value.tag;
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [kebabCase(name), toJson(member)]));
}

/** @param {string} name */
const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * @param {RequestTemplate} template
 * @returns {Request}
 */
export function parseRequest(template) {
  const unknown = Object.keys(template).find((member) => !REQUEST_MEMBERS.has(member));
  if (unknown !== undefined) {
    throw new Error(`a request has no member ${unknown}`);
  }
  const { id, subject, overrides = [] } = template;
  const attempts = parseAttempts(template);
  return { id, subject: subject.map(parseIdentifier), overrides, ...(attempts && { attempts }) };
}

/**
 * `attempts`, or `attempts-ago`: seconds before the machine's present, one number for both times or `[first, last]`.
 *
 * @param {RequestTemplate} template
 * @returns {Contract.Attempts | undefined}
 */
function parseAttempts({ attempts, "attempts-ago": ago }) {
  if (ago !== undefined) {
    const now = Math.floor(Date.now() / 1000);
    const [first, last] = Array.isArray(ago) ? ago : [ago, ago];
    return { firstAt: BigInt(now - first), lastAt: BigInt(now - last) };
  }
  return attempts ? { firstAt: BigInt(attempts["first-at"]), lastAt: BigInt(attempts["last-at"]) } : undefined;
}

/**
 * @param {Json} variant
 * @returns {Contract.Identifier}
 */
function parseIdentifier(variant) {
  const [[tag, val] = []] = Object.entries(variant ?? {});
  return /** @type {Contract.Identifier} */ ({ tag, val });
}
