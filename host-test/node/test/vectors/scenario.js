/** One scenario: a brand, an instance of the connector, and steps. */

import { isDeepStrictEqual } from "node:util";
import { ConnectorError } from "../../connector.js";
import { canonical, identifier } from "./canonical.js";
import { mismatch } from "./pattern.js";

/**
 * @import * as Contract from "../../contract.js"
 * @import { Connector, Plugin, Request, Task } from "../../connector.js"
 * @import { Brand, Simulator } from "../simulator.js"
 * @import { Json, Members } from "./canonical.js"
 *
 * @typedef {object} RequestAsked
 * @property {string} key
 * @property {Json[]} subject
 * @property {number} [first-attempt-at]
 * @property {number} [first-attempt-ago]
 * @property {string[]} [confirmed]
 *
 * @typedef {object} Step  what is done, and what is expected of it
 * @property {Json} [change]
 * @property {Json} [seen]
 * @property {string} [instance]
 * @property {string} [call]
 * @property {Record<string, string>} [settings]
 * @property {Contract.Right[]} [rights]
 * @property {RequestAsked} [request]
 * @property {Contract.DeletionMode} [mode]
 * @property {string} [ticket]
 * @property {{ ticket: string, request?: RequestAsked }[]} [tasks]
 * @property {string} [reference]
 * @property {number} [offset]
 * @property {number} [limit]
 * @property {boolean} [follow]
 * @property {string[]} [stages]
 * @property {Json} [expect]
 * @property {Record<string, string>} [remember]
 *
 * @typedef {object} Vector  a file of `host-test/vectors/`
 * @property {string} about
 * @property {Json} simulator
 * @property {Record<string, string>} [settings]
 * @property {RequestAsked} [request]
 * @property {Step[]} steps
 *
 * @typedef {{ ok: unknown } | { error: unknown }} Result
 */

/** After so many looks a request that is followed has no end. */
const MOST_POLLS = 100;

/** What a step may have. A member that nobody knows would test nothing. */
const KINDS = ["change", "seen", "instance", "call"];
const ARGUMENTS = ["settings", "rights", "request", "mode", "ticket", "tasks", "reference", "offset", "limit"];
const MEMBERS = new Set([...KINDS, ...ARGUMENTS, "follow", "stages", "expect", "remember"]);

/**
 * Runs a scenario to its end, or to the first thing that is not as it expects, which it throws.
 *
 * @param {Simulator} simulator
 * @param {Plugin} plugin
 * @param {Vector} vector
 */
export async function run(simulator, plugin, vector) {
  const brand = await simulator.order(vector.simulator);
  const scenario = new Scenario(brand, plugin, vector);
  try {
    await scenario.newInstance();
    for (const [index, step] of vector.steps.entries()) {
      await scenario.take(step).catch((error) => {
        throw new Error(`step ${index + 1}: ${error instanceof Error ? error.message : error}`, { cause: error });
      });
    }
  } finally {
    await scenario.end();
  }
}

class Scenario {
  #brand;
  #plugin;
  #vector;
  /** @type {Map<string, string>} */
  #names;
  /** @type {Connector | undefined} */
  #instance;

  /**
   * @param {Brand} brand
   * @param {Plugin} plugin
   * @param {Vector} vector
   */
  constructor(brand, plugin, vector) {
    this.#brand = brand;
    this.#plugin = plugin;
    this.#vector = vector;
    this.#names = new Map(Object.entries(brand.names));
  }

  async newInstance() {
    await this.#instance?.close();
    this.#instance = this.#plugin.connector({ egress: [this.#brand.origin] });
    if (this.#vector.settings) {
      await this.#instance.configure(this.#filled(this.#vector.settings));
    }
  }

  async end() {
    await this.#instance?.close();
    await this.#brand.end();
  }

  /** @param {Step} asked */
  async take(asked) {
    const step = this.#filled(asked);
    const unknown = Object.keys(step).find((member) => !MEMBERS.has(member));
    if (unknown !== undefined) {
      throw new Error(`there is no ${unknown} in a step`);
    }
    if (KINDS.filter((kind) => kind in step).length !== 1) {
      throw new Error("a step is one of change, seen, instance, and call with expect");
    }
    if (step.change !== undefined) {
      await this.#brand.change(step.change);
    } else if (step.seen !== undefined) {
      expect(step.seen, await this.#brand.seen());
    } else if (step.instance === "new") {
      await this.newInstance();
    } else {
      await this.#call(step);
    }
  }

  /** @param {Step} step */
  async #call(step) {
    /** @type {string[]} */
    const stages = [];
    const result = canonical(await this.#result(step, stages));
    expect(given(step.expect), result);
    if (step.stages && !isDeepStrictEqual(step.stages, stages)) {
      throw new Error(`expected the stages ${step.stages.join(", ")}, came ${stages.join(", ")}`);
    }
    for (const [name, pointer] of Object.entries(step.remember ?? {})) {
      this.#names.set(name, text(result, pointer));
    }
  }

  /**
   * @param {Step} step
   * @param {string[]} stages
   * @returns {Promise<unknown>}
   */
  async #result(step, stages) {
    const connector = given(this.#instance);
    switch (step.call) {
      // The one call that cannot fail: what it tells is no result.
      case "describe":
        return await connector.describe();
      case "configure":
        return await settled(connector.configure(given(step.settings)));
      case "check":
        return await settled(connector.check(given(step.rights)));
      case "access": {
        const request = this.#request(step.request);
        return await this.#follow(step, request, await settled(connector.access(request)), stages);
      }
      case "delete": {
        const request = this.#request(step.request);
        return await this.#follow(step, request, await settled(connector.delete(request, given(step.mode))), stages);
      }
      case "poll": {
        if (step.tasks) {
          const tasks = step.tasks.map(({ ticket, request }) => ({ request: this.#request(request), ticket }));
          return (await connector.poll(tasks)).map(answered);
        }
        const request = this.#request(step.request);
        return await this.#follow(step, request, await this.#poll({ request, ticket: given(step.ticket) }), stages);
      }
      case "read":
        return await settled(connector.read(given(step.reference), BigInt(step.offset ?? 0), given(step.limit)));
      case "read-all":
        return await settled(this.#readAll(given(step.reference), given(step.limit)));
      default:
        throw new Error(`there is no call ${step.call}`);
    }
  }

  /**
   * Reads piece by piece, of the size that the scenario says.
   *
   * @param {string} reference
   * @param {number} limit
   */
  async #readAll(reference, limit) {
    const pieces = [];
    let size = 0;
    for (let last = false; !last; ) {
      const chunk = await given(this.#instance).read(reference, BigInt(size), limit);
      pieces.push(chunk.bytes);
      size += chunk.bytes.length;
      last = chunk.last;
    }
    return { text: Buffer.concat(pieces), size };
  }

  /**
   * @param {Task} task
   * @returns {Promise<Result>}
   */
  async #poll(task) {
    const answers = await given(this.#instance).poll([task]);
    if (answers.length !== 1) {
      throw new Error(`${answers.length} answers`);
    }
    return answered(answers[0]);
  }

  /**
   * Follows a request to its last word, if that is asked for, and notes the stages that it takes.
   *
   * @param {Step} step
   * @param {Request} request
   * @param {Result} begun
   * @param {string[]} stages
   */
  async #follow(step, request, begun, stages) {
    if (!step.follow) {
      return begun;
    }
    let result = begun;
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      const progress = /** @type {Contract.Progress | undefined} */ ("ok" in result ? result.ok : undefined);
      if (progress?.tag !== "pending") {
        return result;
      }
      const { stage, pollAfterMs, ticket } = progress.val;
      if (stages.at(-1) !== stage) {
        stages.push(stage);
      }
      await this.#brand.change({ advance: Number(pollAfterMs) / 1000 });
      result = await this.#poll({ request, ticket });
    }
    throw new Error(`${MOST_POLLS} polls, and no last word`);
  }

  /**
   * @param {RequestAsked} [own]
   * @returns {Request}
   */
  #request(own) {
    const { key, subject, confirmed = [], ...attempt } = own ?? this.#filled(given(this.#vector.request));
    const ago = attempt["first-attempt-ago"];
    const at = attempt["first-attempt-at"] ?? (ago === undefined ? undefined : Math.floor(Date.now() / 1000) - ago);
    const request = { key, subject: subject.map(identifier), confirmed };
    return at === undefined ? request : { ...request, firstAttemptAt: BigInt(at) };
  }

  /**
   * A value with what the names stand for in their places.
   *
   * @template T
   * @param {T} value
   * @returns {T}
   */
  #filled(value) {
    /** @type {(key: string, value: unknown) => unknown} */
    const fill = (_, value) =>
      typeof value === "string" ? value.replace(/\{([^{}]+)\}/g, (all, name) => this.#names.get(name) ?? all) : value;
    return JSON.parse(JSON.stringify(value), fill);
  }
}

/**
 * What came of a call, for calls that can fail. That there was no answer is no result.
 *
 * @param {Promise<unknown>} called
 * @returns {Promise<Result>}
 */
async function settled(called) {
  try {
    return answered(await called);
  } catch (error) {
    if (error instanceof ConnectorError) {
      return answered(error);
    }
    throw error;
  }
}

/**
 * @param {unknown} answer
 * @returns {Result}
 */
function answered(answer) {
  if (answer instanceof ConnectorError) {
    const { name: _, stack: __, cause: ___, ...members } = answer;
    return { error: { ...members, message: answer.message } };
  }
  return { ok: answer };
}

/**
 * @param {Json} pattern
 * @param {Json} value
 */
function expect(pattern, value) {
  const told = mismatch(pattern, value);
  if (told !== undefined) {
    throw new Error(`${told}\nwhole: ${JSON.stringify(value, null, 2)}`);
  }
}

/**
 * The text at a place of a value.
 *
 * @param {Json} value
 * @param {string} pointer
 */
function text(value, pointer) {
  let found = /** @type {unknown} */ (value);
  for (const name of pointer.split("/").slice(1)) {
    found = /** @type {Members | undefined} */ (found)?.[name];
  }
  if (typeof found !== "string") {
    throw new Error(`there is no text at ${pointer} of ${JSON.stringify(value)}`);
  }
  return found;
}

/**
 * @template T
 * @param {T | undefined} argument
 * @returns {T}
 */
function given(argument) {
  if (argument === undefined) {
    throw new Error("an argument is missing");
  }
  return argument;
}
