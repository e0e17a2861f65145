import { connect, type Socket } from "node:net";
import { headOctets } from "./frames.ts";

/** A frame: its payload is `data` from `at`, `size` octets long, and stays there only until it is heard. */
export type Hear = (kind: number, data: Buffer, at: number, size: number) => void;

/** Octets in, frames out, without a copy but for what is torn at the end of a read. */
class Frames {
  /** The socket reads into it, behind what is left of the last read. */
  readonly #memory: Buffer;
  #left = 0;

  constructor(bytes: number) {
    this.#memory = Buffer.allocUnsafeSlow(bytes);
  }

  room(): Buffer {
    return this.#memory.subarray(this.#left);
  }

  /** So many octets came. */
  came(count: number, hear: Hear): void {
    const memory = this.#memory;
    const end = this.#left + count;
    let at = 0;
    while (end - at >= headOctets) {
      const size = memory.readUInt32BE(at + 3);
      const next = at + headOctets + size + 1;
      if (next > end) break;
      hear(memory[at]!, memory, at + headOctets, size);
      at = next;
    }
    if (at > 0) memory.copyWithin(0, at, end);
    this.#left = end - at;
  }
}

/** Connects to a port of this machine, with memory to read into; `hear` gets each frame, `turn` is told when all of one read was heard. */
export async function connected(
  port: number,
  readBytes: number,
  hear: Hear,
  turn: () => void,
  broken: (error: Error) => void,
): Promise<Socket> {
  const frames = new Frames(readBytes);
  const opened = Promise.withResolvers<void>();
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: {
      buffer: () => frames.room(),
      callback(count) {
        try {
          frames.came(count, hear);
          turn();
        } catch (error) {
          broken(error as Error);
          socket.destroy();
        }
        return true;
      },
    },
  });
  socket.once("connect", opened.resolve);
  socket.on("error", (error) => (opened.reject(error), broken(error)));
  socket.on("close", () => broken(new Error("the connection ended")));
  await opened.promise;
  return socket;
}
