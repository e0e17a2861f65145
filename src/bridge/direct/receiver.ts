import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Context } from "../../base/handler.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { boxesMax, settledMs } from "./bounds.ts";
import type { BacklogAnswer, BacklogQuestion, Direct, SettledQuestion, Taken } from "./contract.ts";
import type { Inbox } from "./inbox.ts";
import type { Neighbour } from "./neighbour.ts";
import { readParcel, type Parcel } from "./parcel.ts";
import type { Wanted } from "./roster.ts";

/** What comes to this process: its consumers and its reply boxes, for those in it and for those outside. */
export class Receiver implements Neighbour {
  readonly handlers: Handlers<typeof Direct>;
  readonly #env: Env;
  readonly #inboxes = new Map<string, { readonly wanted: Wanted; readonly inbox: Inbox }>();
  readonly #boxes = new Map<string, (envelope: Envelope) => void>();

  constructor(env: Env) {
    this.#env = env;
    this.handlers = {
      deliver: (written, { refuse, signal }) => this.#take(opened(written, refuse), signal),
      settled: async (question) => ({ settled: await this.settled(question, settledMs) }),
      backlog: (question) => this.backlog(question),
      answer: async (written, { refuse }) => ({
        heard: await this.answer(opened(written, refuse)),
      }),
    };
  }

  open(wanted: Wanted, inbox: Inbox): void {
    this.#inboxes.set(wanted.consumer, { wanted, inbox });
  }

  /** From here on it is as if it had never been. */
  shut(consumer: string): void {
    this.#inboxes.delete(consumer);
  }

  get consumers(): number {
    return this.#inboxes.size;
  }

  get boxes(): number {
    return this.#boxes.size;
  }

  openBox(heard: (envelope: Envelope) => void): string {
    if (this.#boxes.size >= boxesMax)
      throw systemError("RESOURCE_EXHAUSTED", `${boxesMax} reply boxes are open here`, {
        executed: "no",
      });
    const id = uuidv7(this.#env);
    this.#boxes.set(id, heard);
    return id;
  }

  shutBox(id: string): void {
    this.#boxes.delete(id);
  }

  deliver(parcel: Parcel): Promise<Taken> {
    return this.#take(parcel);
  }

  settled({ consumer, publisher, shard }: SettledQuestion, withinMs: number): Promise<boolean> {
    const inbox = this.#inboxes.get(consumer)?.inbox;
    return inbox?.settled(publisher, shard, withinMs) ?? Promise.resolve(true);
  }

  backlog({ channel, group }: BacklogQuestion): Promise<BacklogAnswer> {
    const of = [...this.#inboxes.values()].filter(
      ({ wanted }) => wanted.channel === channel && wanted.group === group,
    );
    const consumers = of.map(({ wanted: { consumer }, inbox: { load } }) => ({ consumer, load }));
    return Promise.resolve({ consumers });
  }

  answer({ to, messages }: Parcel): Promise<boolean> {
    const heard = this.#boxes.get(to);
    for (const { envelope } of messages) heard?.(envelope);
    return Promise.resolve(heard !== undefined);
  }

  #take(parcel: Parcel, signal?: AbortSignal): Promise<Taken> {
    const inbox = this.#inboxes.get(parcel.to)?.inbox;
    return inbox?.take(parcel, signal) ?? Promise.resolve({ taken: 0, why: "gone", load: 0 });
  }
}

/** Who sends something else is told, and nobody is alarmed. */
function opened(written: Uint8Array, refuse: Context["refuse"]): Parcel {
  try {
    return readParcel(written);
  } catch (error) {
    if (isTrunklineError(error)) throw refuse("INVALID_ARGUMENT", error.reason);
    throw error;
  }
}
