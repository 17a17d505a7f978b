/** What a scenario expects, compared with what came: `host-test/vectors/README.md` says how. */

/** @import { Json, Members } from "./canonical.js" */

/**
 * Where and why a value does not match a pattern; none if it does.
 *
 * @param {Json} pattern
 * @param {Json} value
 * @param {string} [at]
 * @returns {string | undefined}
 */
export function mismatch(pattern, value, at = "") {
  if (isMembers(pattern) && !isSpecial(pattern) && isMembers(value)) {
    for (const [key, wanted] of Object.entries(pattern)) {
      const member = Object.hasOwn(value, key) ? value[key] : undefined;
      const told = member === undefined ? `at ${at}: there is no ${key}` : mismatch(wanted, member, `${at}/${key}`);
      if (told !== undefined) {
        return told;
      }
    }
    return undefined;
  }
  if (Array.isArray(pattern) && Array.isArray(value) && pattern.length === value.length) {
    const told = pattern.map((wanted, index) => mismatch(wanted, value[index] ?? null, `${at}/${index}`));
    return told.find((told) => told !== undefined);
  }
  const fits = isMembers(pattern) && isSpecial(pattern) ? holds(pattern, value) : pattern === value;
  return fits ? undefined : `at ${at}: expected ${JSON.stringify(pattern)}, came ${JSON.stringify(value)}`;
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
const isMembers = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {Members} pattern */
const isSpecial = (pattern) =>
  Object.keys(pattern).length > 0 && Object.keys(pattern).every((key) => key.startsWith("$"));

/** @type {Record<string, (argument: Json, value: Json) => boolean>} */
const MATCHERS = {
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
};

/**
 * @param {Members} pattern
 * @param {Json} value
 */
function holds(pattern, value) {
  return Object.entries(pattern).every(([name, argument]) => {
    const matcher = MATCHERS[name];
    if (!matcher) {
      throw new Error(`there is no matcher ${name}`);
    }
    return matcher(argument, value);
  });
}
