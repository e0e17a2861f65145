import { atMost } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Node } from "../../broker/embedded/node.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { answered } from "../broker/server.ts";
import type { FolderOwner, Word } from "./contract.ts";
import { NodeOverseer } from "./overseer.ts";
import type { OwnerNote } from "./owner-note.ts";

/** Processes that use the broker of a folder which another one owns. */
const guestsMax = 10_000;
/** Above what they were given to come to rest: that they say so, too, takes time. In milliseconds. */
const graceMs = 100;

interface Guest {
  /** Wakes its stream. */
  wake(): void;
  rested: boolean;
}

/** Who is connected to the owner of a folder, and whether they have come to rest. */
export class Guests {
  readonly handlers: Handlers<typeof FolderOwner>;
  readonly overseer: NodeOverseer;
  readonly #env: Env;
  readonly #guests = new Map<number, Guest>();
  #number = 0;
  #leaving: number | undefined;
  #ended = false;
  #changed: (() => void) | undefined;

  constructor(note: OwnerNote, node: Node, env: Env) {
    this.#env = env;
    this.overseer = new NodeOverseer(node, note, () => this.#guests.size);
    this.handlers = {
      stay: (_, { signal, refuse }) => {
        if (this.#leaving !== undefined)
          throw refuse("UNAVAILABLE", "the owner is about to leave the folder");
        if (this.#guests.size >= guestsMax)
          throw refuse("RESOURCE_EXHAUSTED", `${guestsMax} processes are connected to the owner`);
        return this.#stay(note, signal);
      },
      status: () => this.overseer.status(),
      queues: ({ host }) => this.overseer.queues(host),
      users: () => this.overseer.users(),
      definitions: ({ host }) => this.overseer.definitions(host),
      define: (text, { refuse }) => answered(refuse, () => this.overseer.define(text)),
      rested: ({ guest }) => {
        const known = this.#guests.get(guest);
        if (known !== undefined) known.rested = true;
        this.#changed?.();
      },
    };
  }

  /** Asks everybody to come to rest. Resolves when all have, or have gone, or the time is over. */
  async leave(withinMs: number): Promise<void> {
    this.#leaving = withinMs;
    for (const { wake } of this.#guests.values()) wake();
    const atRest = Promise.withResolvers<void>();
    this.#changed = () => {
      if ([...this.#guests.values()].every(({ rested }) => rested)) atRest.resolve();
    };
    this.#changed();
    await atMost(this.#env, withinMs + graceMs, atRest.promise);
  }

  /** Ends all their streams: from then on they look for the next owner. */
  end(): void {
    this.#ended = true;
    for (const { wake } of this.#guests.values()) wake();
  }

  async *#stay({ epoch, pid }: OwnerNote, signal: AbortSignal): AsyncGenerator<Word, void> {
    const number = ++this.#number;
    let woken = Promise.withResolvers<void>();
    const wake = (): void => woken.resolve();
    this.#guests.set(number, { wake, rested: false });
    signal.addEventListener("abort", wake, { once: true });
    let told = false;
    try {
      yield { word: "welcome", epoch, pid, guest: number };
      while (!this.#ended && !signal.aborted) {
        if (this.#leaving !== undefined && !told) {
          told = true;
          yield { word: "leaving", withinMs: this.#leaving };
          continue;
        }
        await woken.promise;
        woken = Promise.withResolvers();
      }
    } finally {
      this.#guests.delete(number);
      this.#changed?.();
    }
  }
}
