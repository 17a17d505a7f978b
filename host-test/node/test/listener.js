/** A server that counts its connections. */

import { once } from "node:events";
import { createServer } from "node:net";

/** @import { AddressInfo } from "node:net" */

export class Listener {
  #server;
  connections = 0;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      socket.on("error", () => {}).end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
    });
  }

  static async start() {
    const listener = new Listener();
    listener.#server.listen(0, "127.0.0.1");
    await once(listener.#server, "listening");
    return listener;
  }

  get origin() {
    return `http://127.0.0.1:${/** @type {AddressInfo} */ (this.#server.address()).port}`;
  }

  end() {
    this.#server.close();
  }
}
