import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../broker.ts";
import type { Envelope } from "../envelope.ts";

/** Replies that a durable box keeps; the oldest go first. */
const keptMax = 100_000;
/** How long it keeps them, in milliseconds: a day. */
const keptMs = 24 * 3_600_000;
/** Boxes at a time, durable ones included, which stay. */
const boxesMax = 100_000;

interface Box {
  readonly readers: Set<(envelope: Envelope) => void>;
  /** Undefined: a transient one. */
  readonly kept: { readonly at: number; readonly envelope: Envelope }[] | undefined;
}

/** Where replies go: to those who read a box now, and, where it is durable, to those who come later. */
export class ReplyBoxes {
  readonly #env: Env;
  readonly #boxes = new Map<string, Box>();

  constructor(env: Env) {
    this.#env = env;
  }

  open(
    { name, since }: ReplyTerms,
    heard: (envelope: Envelope) => void,
    once: string = `once/${uuidv7(this.#env)}`,
  ): ReplyBox {
    const address = name === undefined ? once : `kept/${name}`;
    const box = this.#boxes.get(address) ?? this.#make(address, name !== undefined);
    // Each hears in a turn of its own: whoever opens a box knows its address before the first reply.
    const tell = (envelope: Envelope): void => {
      this.#env.defer(() => {
        if (box.readers.has(tell)) heard(envelope);
      });
    };
    box.readers.add(tell);
    const from = since ?? Infinity;
    for (const { at, envelope } of box.kept ?? []) if (at >= from) tell(envelope);
    const close = (): Promise<void> => {
      box.readers.delete(tell);
      // Whoever lost its connection may have come again before that was noticed.
      if (box.kept === undefined && box.readers.size === 0) this.#boxes.delete(address);
      return Promise.resolve();
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  put(address: string, envelope: Envelope): void {
    const box =
      this.#boxes.get(address) ??
      (address.startsWith("kept/") ? this.#make(address, true) : undefined);
    if (box === undefined) return; // its reader is gone, and nobody else could come
    if (box.kept !== undefined) {
      const now = this.#env.wall();
      box.kept.push({ at: now, envelope });
      while (box.kept.length > keptMax || box.kept[0]!.at < now - keptMs) box.kept.shift();
    }
    for (const tell of box.readers) tell(envelope);
  }

  #make(address: string, durable: boolean): Box {
    if (this.#boxes.size >= boxesMax)
      throw systemError("RESOURCE_EXHAUSTED", `${boxesMax} reply boxes are there already`, {
        executed: "no",
        advice: "use fewer names of durable boxes",
      });
    const box: Box = { readers: new Set(), kept: durable ? [] : undefined };
    this.#boxes.set(address, box);
    return box;
  }
}
