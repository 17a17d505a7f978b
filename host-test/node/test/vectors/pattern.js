/** Comparison of values with patterns, which `host-test/vectors/README.md` defines. */

/** @import { Json, Members } from "./canonical.js" */

/**
 * Where and why a value does not match a pattern; undefined if it matches.
 *
 * @param {Json} pattern
 * @param {Json} value
 * @param {string} [path]
 * @returns {string | undefined}
 */
export function mismatch(pattern, value, path = "") {
  if (isObject(pattern) && !hasOperators(pattern) && isObject(value)) {
    for (const [key, expected] of Object.entries(pattern)) {
      const member = Object.hasOwn(value, key) ? value[key] : undefined;
      const difference =
        member === undefined ? `at ${path}: there is no member ${key}` : mismatch(expected, member, `${path}/${key}`);
      if (difference !== undefined) {
        return difference;
      }
    }
    return undefined;
  }
  if (Array.isArray(pattern) && Array.isArray(value) && pattern.length === value.length) {
    const differences = pattern.map((expected, index) => mismatch(expected, value[index] ?? null, `${path}/${index}`));
    return differences.find((difference) => difference !== undefined);
  }
  const equal = isObject(pattern) && hasOperators(pattern) ? operatorsMatch(pattern, value) : pattern === value;
  return equal ? undefined : `at ${path}: expected ${JSON.stringify(pattern)}, got ${JSON.stringify(value)}`;
}

/**
 * @param {Json} pattern
 * @param {Json} value
 */
const matches = (pattern, value) => mismatch(pattern, value) === undefined;

/**
 * @param {Json} value
 * @returns {value is Members}
 */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {Members} pattern */
const hasOperators = (pattern) =>
  Object.keys(pattern).length > 0 && Object.keys(pattern).every((key) => key.startsWith("$"));

/** @type {Record<string, (argument: Json, value: Json) => boolean>} */
const OPERATORS = {
  $not: (pattern, value) => !matches(pattern, value),
  $all: (patterns, value) => Array.isArray(patterns) && patterns.every((pattern) => matches(pattern, value)),
  $contains: (pattern, value) =>
    Array.isArray(value)
      ? value.some((element) => matches(pattern, element))
      : typeof pattern === "string" && typeof value === "string" && value.includes(pattern),
  $length: (length, value) =>
    Array.isArray(value) ? value.length === length : typeof value === "string" && Buffer.byteLength(value) === length,
  $between: (ends, value) =>
    Array.isArray(ends) && typeof value === "number" && value >= Number(ends[0]) && value <= Number(ends[1]),
  $base64: (pattern, value) => {
    const text = typeof value === "string" ? decode(value) : undefined;
    return text !== undefined && matches(pattern, text);
  },
};

/**
 * The text that standard Base64 with padding encodes.
 *
 * @param {string} encoded
 */
function decode(encoded) {
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") !== encoded) {
    // Node accepts other encodings as well, and ignores what it does not understand.
    return undefined;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * @param {Members} pattern
 * @param {Json} value
 */
function operatorsMatch(pattern, value) {
  return Object.entries(pattern).every(([name, argument]) => {
    const operator = OPERATORS[name];
    if (!operator) {
      throw new Error(`there is no operator ${name}`);
    }
    return operator(argument, value);
  });
}
