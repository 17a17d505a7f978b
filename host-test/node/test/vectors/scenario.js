/** Runs a scenario: a simulated brand, an instance of the connector, and steps. */

import { isDeepStrictEqual } from "node:util";
import { ConnectorError } from "../../connector.js";
import { parseRequest, toJson } from "./canonical.js";
import { mismatch } from "./pattern.js";

/**
 * @import * as Contract from "../../contract.js"
 * @import { Connector, Plugin, Request, Result } from "../../connector.js"
 * @import { Brand, Simulator } from "../simulator.js"
 * @import { Json, Members, RequestTemplate } from "./canonical.js"
 *
 * @typedef {object} Step  an action and the expected result
 * @property {Json} [change]
 * @property {Json} [seen]
 * @property {string} [instance]
 * @property {string} [call]
 * @property {Record<string, string>} [settings]
 * @property {Contract.Right[]} [rights]
 * @property {RequestTemplate} [request]
 * @property {RequestTemplate[]} [requests]
 * @property {Contract.DeletionMode} [mode]
 * @property {string} [ticket]
 * @property {{ ticket: string, request?: RequestTemplate }[]} [tasks]
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
 * @property {RequestTemplate} [request]
 * @property {Step[]} steps
 */

/** A request that is followed fails after so many polls. */
const MAX_POLLS = 100;

const KINDS = ["change", "seen", "instance", "call"];

/**
 * The arguments of each call. Any other member of a step is an error: it would test nothing.
 *
 * @type {Record<string, string[]>}
 */
const ARGUMENTS = {
  describe: [],
  configure: ["settings"],
  check: ["rights"],
  access: ["request", "requests", "follow", "stages"],
  delete: ["request", "requests", "mode", "follow", "stages"],
  "opt-out": ["request", "requests", "follow", "stages"],
  poll: ["ticket", "request", "tasks", "follow", "stages"],
  read: ["reference", "offset", "limit"],
  "read-all": ["reference", "limit"],
};

/**
 * Runs a scenario to its end. Throws the first difference from what it expects.
 *
 * @param {Simulator} simulator
 * @param {Plugin} plugin
 * @param {Vector} vector
 */
export async function run(simulator, plugin, vector) {
  const brand = await simulator.createBrand(vector.simulator);
  const scenario = new Scenario(brand, plugin, vector);
  try {
    await scenario.newInstance();
    for (const [index, step] of vector.steps.entries()) {
      await scenario.runStep(step).catch((error) => {
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
  #placeholders;
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
    this.#placeholders = new Map(Object.entries(brand.names));
  }

  async newInstance() {
    await this.#instance?.close();
    this.#instance = this.#plugin.connector({ egress: [this.#brand.origin] });
    if (this.#vector.settings) {
      await this.#instance.configure(this.#fill(this.#vector.settings));
    }
  }

  async end() {
    await this.#instance?.close();
    await this.#brand.delete();
  }

  /** @param {Step} template */
  async runStep(template) {
    const step = this.#fill(template);
    checkMembers(step);
    if (step.change !== undefined) {
      await this.#brand.change(step.change);
    } else if (step.seen !== undefined) {
      expect(step.seen, await this.#brand.seen());
    } else if (step.instance === "new") {
      await this.newInstance();
    } else {
      await this.#runCall(step);
    }
  }

  /** @param {Step} step */
  async #runCall(step) {
    /** @type {string[]} */
    const stages = [];
    const result = await this.#call(step, stages);
    expect(required(step.expect), result);
    if (step.stages && !isDeepStrictEqual(step.stages, stages)) {
      throw new Error(`the stages are ${stages.join(", ")} instead of ${step.stages.join(", ")}`);
    }
    for (const [name, pointer] of Object.entries(step.remember ?? {})) {
      this.#placeholders.set(name, stringAt(pointer, result));
    }
  }

  /**
   * @param {Step} step
   * @param {string[]} stages
   * @returns {Promise<Json>}
   */
  async #call(step, stages) {
    const connector = required(this.#instance);
    switch (step.call) {
      case "describe":
        return toJson(await connector.describe());
      case "configure":
        return await settle(connector.configure(required(step.settings)));
      case "check":
        return await settle(connector.check(required(step.rights)));
      case "access":
      case "delete":
      case "opt-out":
        return await this.#start(connector, step, stages);
      case "poll": {
        if (step.tasks) {
          const tasks = step.tasks.map(({ ticket, request }) => ({ request: this.#request(request), ticket }));
          return (await connector.poll(tasks)).map(resultToJson);
        }
        const request = this.#request(step.request);
        return await this.#follow(step, request, await this.#poll(request, required(step.ticket)), stages);
      }
      case "read":
        return await settle(connector.read(required(step.reference), BigInt(step.offset ?? 0), required(step.limit)));
      case "read-all":
        return await settle(this.#readAll(required(step.reference), required(step.limit)));
      default:
        throw new Error(`there is no function ${step.call}`);
    }
  }

  /**
   * Calls a function that takes requests: with one request, the result is its element, otherwise the list.
   *
   * @param {Connector} connector
   * @param {Step} step
   * @param {string[]} stages
   * @returns {Promise<Json>}
   */
  async #start(connector, step, stages) {
    if (step.requests && (step.request || step.follow || step.stages)) {
      throw new Error("only a single request can be followed");
    }
    const requests = step.requests?.map(parseRequest) ?? [this.#request(step.request)];
    const results = await (step.call === "access"
      ? connector.access(requests)
      : step.call === "delete"
        ? connector.delete(requests, required(step.mode))
        : connector.optOut(requests));
    if (step.requests) {
      return results.map(resultToJson);
    }
    return await this.#follow(step, required(requests[0]), required(results[0]), stages);
  }

  /**
   * @param {Request} request
   * @param {string} ticket
   * @returns {Promise<Result>}
   */
  async #poll(request, ticket) {
    const [result] = await required(this.#instance).poll([{ request, ticket }]);
    return required(result);
  }

  /**
   * Follows a request to its final result, if the step says so, and collects its stages.
   *
   * @param {Step} step
   * @param {Request} request
   * @param {Result} started
   * @param {string[]} stages
   * @returns {Promise<Json>}
   */
  async #follow(step, request, started, stages) {
    let result = started;
    for (let polls = 0; step.follow && "tag" in result && result.tag === "pending"; polls++) {
      if (polls === MAX_POLLS) {
        throw new Error(`still pending after ${MAX_POLLS} polls: ${JSON.stringify(resultToJson(result))}`);
      }
      const { stage, pollAfterMs, ticket } = result.val;
      if (stages.at(-1) !== stage) {
        stages.push(stage);
      }
      await this.#brand.change({ advance: Number(pollAfterMs) / 1000 });
      result = await this.#poll(request, ticket);
    }
    return resultToJson(result);
  }

  /**
   * Reads a document in pieces of the size that the scenario specifies.
   *
   * @param {string} reference
   * @param {number} limit
   */
  async #readAll(reference, limit) {
    const pieces = [];
    let size = 0;
    for (let last = false; !last; ) {
      const chunk = await required(this.#instance).read(reference, BigInt(size), limit);
      pieces.push(chunk.bytes);
      size += chunk.bytes.length;
      last = chunk.last;
    }
    return { text: Buffer.concat(pieces).toString(), size };
  }

  /**
   * The request of a step or task, or that of the whole scenario.
   *
   * @param {RequestTemplate} [own]
   */
  #request(own) {
    return parseRequest(own ?? this.#fill(required(this.#vector.request)));
  }

  /**
   * The value with all placeholders replaced.
   *
   * @template T
   * @param {T} value
   * @returns {T}
   */
  #fill(value) {
    /** @type {(key: string, value: unknown) => unknown} */
    const fill = (_, value) =>
      typeof value === "string"
        ? value.replace(/\{([^{}]+)\}/g, (all, name) => this.#placeholders.get(name) ?? all)
        : value;
    return JSON.parse(JSON.stringify(value), fill);
  }
}

/** @param {Step} step */
function checkMembers(step) {
  const kinds = KINDS.filter((kind) => kind in step);
  const isCall = step.call !== undefined;
  if (kinds.length !== 1 || isCall !== "expect" in step) {
    throw new Error("a step is one of change, seen, instance, and call with expect");
  }
  const permitted = isCall ? [...(ARGUMENTS[step.call ?? ""] ?? []), "call", "expect", "remember"] : kinds;
  const unknown = Object.keys(step).find((member) => !permitted.includes(member));
  if (unknown !== undefined) {
    throw new Error(`${step.call ?? "this step"} has no argument ${unknown}`);
  }
}

/**
 * The result of a call that can fail. A lost call has no result.
 *
 * @param {Promise<unknown>} call
 * @returns {Promise<Json>}
 */
async function settle(call) {
  try {
    return resultToJson(await call);
  } catch (error) {
    if (error instanceof ConnectorError) {
      return resultToJson(error);
    }
    throw error;
  }
}

/**
 * @param {unknown} result
 * @returns {Json}
 */
function resultToJson(result) {
  if (result instanceof ConnectorError) {
    const { name: _, stack: __, cause: ___, ...members } = result;
    return { error: toJson({ ...members, message: result.message }) };
  }
  return { ok: toJson(result) };
}

/**
 * @param {Json} pattern
 * @param {Json} value
 */
function expect(pattern, value) {
  const difference = mismatch(pattern, value);
  if (difference !== undefined) {
    throw new Error(`${difference}\nwhole value: ${JSON.stringify(value, null, 2)}`);
  }
}

/**
 * @param {string} pointer
 * @param {Json} value
 */
function stringAt(pointer, value) {
  let found = /** @type {unknown} */ (value);
  for (const name of pointer.split("/").slice(1)) {
    found = /** @type {Members | undefined} */ (found)?.[name];
  }
  if (typeof found !== "string") {
    throw new Error(`there is no string at ${pointer} of ${JSON.stringify(value)}`);
  }
  return found;
}

/**
 * @template T
 * @param {T | undefined} argument
 * @returns {T}
 */
function required(argument) {
  if (argument === undefined) {
    throw new Error("an argument is missing");
  }
  return argument;
}
