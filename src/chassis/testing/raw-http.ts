import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection that says what no client would. */
export class RawHttp {
  readonly socket: Socket;
  /** All that came. */
  heard = "";
  #changed: () => void = () => {};

  static async to(url: string): Promise<RawHttp> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    return new RawHttp(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.heard += text;
      this.#changed();
    });
    socket.on("close", () => this.#changed());
    socket.on("error", () => {});
  }

  say(text: string | Uint8Array): this {
    this.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
    return this;
  }

  /** Resolves when what came matches, or the connection is closed. */
  async hears(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard) && !this.socket.closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed = resolve;
      await promise;
    }
    return this.heard;
  }

  async closed(): Promise<string> {
    return this.hears(/(?!)/);
  }
}
