/** A clock that a follower waits with: it advances that of a brand, too, which stands still otherwise. */

/** @import { Brand } from "./simulator.js" */

export class Clock {
  #brand;
  #now = Date.now();
  /** @type {number[]} */
  waits = [];

  /** @param {Brand} [brand] */
  constructor(brand) {
    this.#brand = brand;
  }

  now() {
    return this.#now;
  }

  /** @param {number} ms */
  async sleep(ms) {
    this.waits.push(ms);
    this.#now += ms;
    await this.#brand?.change({ advance: ms / 1000 });
  }
}
