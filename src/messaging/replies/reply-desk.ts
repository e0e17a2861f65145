import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import { closedDesk, Listening } from "./listening.ts";
import { ReplyReader } from "./reply-reader.ts";

/** How far the clocks of who asks, who replies and the broker may be apart, in milliseconds: boxes are read from so much earlier. */
const clocksApartMs = 60_000;
/** Boxes, or parts of their past, that one process reads at a time. */
const readersMax = 32;

/** Where the replies to commands go that are sent from here. */
export interface CommandBox {
  /** What goes into `replyto`. */
  readonly address: string;
  /** What another process opens it by; undefined: it is gone with this process. */
  readonly name: string | undefined;
}

/** Where replies to what one process asks over one broker are heard. Opens boxes when they are first needed. */
export class ReplyDesk implements AsyncDisposable {
  readonly broker: Broker;
  /** For requests that wait while they live: gathers, receipts, calls. */
  readonly listening: Listening;
  readonly #name: string | undefined;
  readonly #env: Env;
  readonly #readers = new Map<string | undefined, ReplyReader[]>();
  #closed = false;

  /** `asker` names the durable box, so that it should be the same after a restart; several may share it, each hears all. */
  constructor(broker: Broker, asker: string, env: Env) {
    this.broker = broker;
    this.listening = new Listening(broker);
    this.#name = broker.capabilities.replies === "durable" ? asker : undefined;
    this.#env = env;
  }

  /** Rejects with the broker's error. */
  async commandBox(): Promise<CommandBox> {
    const name = this.#name;
    const reader = this.reader(name, this.#env.wall());
    try {
      return { address: await reader.address(), name };
    } finally {
      this.release(name, reader);
    }
  }

  /** What hears the replies, in the box of that name, to a command that was sent at that instant. @throws TrunklineError RESOURCE_EXHAUSTED. */
  reader(name: string | undefined, sentAt: number): ReplyReader {
    if (this.#closed) throw closedDesk("maybe");
    const readers = this.#readers.get(name) ?? [];
    const from = sentAt - clocksApartMs;
    // Of the past of a transient box there is nothing to be read again.
    const found = readers.find(
      (reader) => !reader.closed && (name === undefined || reader.covers(from)),
    );
    if (found !== undefined) return found;
    const open = [...this.#readers.values()].reduce((sum, each) => sum + each.length, 0);
    if (open >= readersMax)
      throw systemError(
        "RESOURCE_EXHAUSTED",
        `replies are looked for in ${readersMax} places already`,
        { executed: "maybe", advice: "wait for the replies to earlier commands first" },
      );
    const reader = new ReplyReader(this.broker, name, from);
    this.#readers.set(name, [...readers, reader]);
    return reader;
  }

  /** Somebody waits no more: a box that was opened for what is past is closed with the last who did, as is one that could not be opened. */
  release(name: string | undefined, reader: ReplyReader): void {
    const [own] = this.#readers.get(this.#name) ?? [];
    if (reader.closed || (reader !== own && reader.waiting === 0)) void this.#drop(name, reader);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const readers = [...this.#readers.values()].flat();
    this.#readers.clear();
    await Promise.all([this.listening.close(), ...readers.map((reader) => reader.close())]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drop(name: string | undefined, reader: ReplyReader): Promise<void> {
    const others = (this.#readers.get(name) ?? []).filter((each) => each !== reader);
    if (others.length === 0) this.#readers.delete(name);
    else this.#readers.set(name, others);
    await reader.close().catch(() => {}); // it was only read
  }
}
