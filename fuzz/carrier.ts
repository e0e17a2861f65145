import { parseAddress, type Address } from "../src/transport/address.ts";
import { framed } from "../src/transport/framed.ts";
import { memory, MemoryNames } from "../src/transport/memory/memory.ts";
import type { Connection, ListenOptions, Transport } from "../src/transport/transport.ts";
import { BytePipe } from "./byte-pipe.ts";
import type { Input } from "./target.ts";
import type { FuzzEnv } from "./fuzz-env.ts";

export const address: Address = parseAddress("memory:fuzz");

const peer = { address: address.text, sameHost: true };

interface Chops {
  readonly env: FuzzEnv;
  readonly input: Input;
}

/** What the hostile end of a connection is told. */
export interface Watch {
  frame(memory: Buffer, from: number, to: number): void;
  /** The other side sends nothing more. */
  ended(): void;
  closed(): void;
}

/** The hostile end of a connection: sends any frame, reads or does not read. */
export interface Carrier {
  /** False when it cannot be sent: the connection is closed, or a bound of this end is reached. */
  send(frame: Buffer): boolean;
  stall(stalled: boolean): void;
  end(): void;
  destroy(): void;
}

/**
 * The memory transport, with a side entrance: connections whose frames go through the framed adapter, chopped at
 * random, where the others are handed over whole.
 */
export class FuzzTransport implements Transport {
  readonly name = "memory";
  readonly capabilities: Transport["capabilities"];
  /** While it is set and the transport chops, dialling leads here instead of to the listener. */
  onDialled: ((connect: (watch: Watch) => Carrier) => void) | undefined;
  readonly #memory: Transport;
  readonly #chops: Chops | undefined;
  #accept: ((connection: Connection) => void) | undefined;
  #options: ListenOptions = {};

  /** With `chops` those who dial get a connection that is chopped. */
  constructor(chops?: Chops) {
    this.#memory = memory(new MemoryNames());
    this.#chops = chops;
    this.capabilities = this.#memory.capabilities;
  }

  async dial(...args: Parameters<Transport["dial"]>): Promise<Connection> {
    const { onDialled } = this;
    if (this.#chops === undefined || onDialled === undefined) return this.#memory.dial(...args);
    const { env, input } = this.#chops;
    const pipe = new BytePipe(env);
    onDialled((watch) => choppedFrames(pipe, watch, input));
    return framed(pipe, peer, args[1], env);
  }

  listen(...args: Parameters<Transport["listen"]>): ReturnType<Transport["listen"]> {
    [, this.#accept, this.#options] = args;
    return this.#memory.listen(...args);
  }

  /** Connects with whole frames. */
  async whole(env: FuzzEnv, watch: Watch): Promise<Carrier> {
    const connection = await this.dial(address, { until: Infinity }, env);
    return wholeFrames(connection, watch);
  }

  /** Connects with a stream of bytes. */
  chopped(env: FuzzEnv, watch: Watch, input: Input): Carrier {
    const pipe = new BytePipe(env);
    env.yield(() => this.#accept!(framed(pipe, peer, this.#options, env)));
    return choppedFrames(pipe, watch, input);
  }
}

/** The hostile end of a connection of whole frames, dialled or accepted. */
export function wholeFrames(connection: Connection, watch: Watch): Carrier {
  connection.open({
    frame: (bytes, from, to) => watch.frame(bytes, from, to),
    drain: () => {},
    ended: () => watch.ended(),
    closed: () => watch.closed(),
  });
  return {
    send: (frame) => {
      try {
        const at = connection.claim(frame.length);
        frame.copy(connection.outgoing, at);
        connection.commit(at + frame.length);
        return true;
      } catch {
        return false;
      }
    },
    stall: (stalled) => (stalled ? connection.pause() : connection.resume()),
    end: () => connection.end(),
    destroy: () => connection.destroy("the hostile peer leaves"),
  };
}

function choppedFrames(pipe: BytePipe, watch: Watch, input: Input): Carrier {
  let unread = Buffer.alloc(0);
  let closed = false;
  pipe.onOutput = (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 3 && unread.length >= 3 + unread.readUIntBE(0, 3)) {
      const to = 3 + unread.readUIntBE(0, 3);
      watch.frame(unread, 3, to);
      unread = unread.subarray(to);
    }
  };
  pipe.onEnd = () => watch.ended();
  pipe.onClose = () => {
    closed = true;
    watch.closed();
  };
  return {
    send: (frame) => {
      if (closed) return false;
      const length = Buffer.from([frame.length >>> 16, frame.length >>> 8, frame.length]);
      const bytes = Buffer.concat([length, frame]);
      const cut = input.once(2) ? input.between(0, Math.min(bytes.length, 12)) : bytes.length;
      if (cut > 0) pipe.feed(bytes.subarray(0, cut));
      if (cut < bytes.length) pipe.feed(bytes.subarray(cut));
      return true;
    },
    stall: (stalled) => pipe.unstick(stalled),
    end: () => pipe.feedEnd("end"),
    destroy: () => pipe.feedEnd("lost"),
  };
}
