import type { Env } from "../../base/env.ts";
import { makeClient } from "../../call/client.ts";
import type { Client } from "../../call/client-type.ts";
import { detached } from "../../call/served-context.ts";
import { Direct } from "./contract.ts";
import type { BacklogAnswer, BacklogQuestion, SettledQuestion, Taken } from "./contract.ts";
import type { Dialled } from "./ground.ts";
import { writeParcel, type Parcel } from "./parcel.ts";

/** A process that takes part: another one, or this one. Each act rejects with a TrunklineError that is true to what happened. */
export interface Neighbour {
  deliver(parcel: Parcel, deadlineMs: number): Promise<Taken>;
  /** False: not yet, after `withinMs`. True also when there is no such consumer any more. */
  settled(question: SettledQuestion, withinMs: number): Promise<boolean>;
  backlog(question: BacklogQuestion, deadlineMs: number): Promise<BacklogAnswer>;
  /** False: there is no such box. */
  answer(parcel: Parcel, deadlineMs: number): Promise<boolean>;
}

/** Beside the time that the other side may take to find an answer, in milliseconds. */
const graceMs = 1_000;

/** Another process, over a connection that is made when it is needed. */
export class RemoteNeighbour implements Neighbour {
  readonly #client: Client<typeof Direct> & AsyncDisposable;

  constructor({ caller, release }: Dialled, env: Env) {
    const terms = { caller, env, deadlineMs: graceMs, checkSent: false };
    this.#client = makeClient(Direct, terms, release);
  }

  // On nobody's behalf: a batch has messages of many, and what one of them inherits is not the others'.

  deliver(parcel: Parcel, deadline: number): Promise<Taken> {
    return detached(() => this.#client.deliver(writeParcel(parcel), { deadline }));
  }

  async settled(question: SettledQuestion, withinMs: number): Promise<boolean> {
    const deadline = withinMs + graceMs;
    return (await detached(() => this.#client.settled(question, { deadline }))).settled;
  }

  backlog(question: BacklogQuestion, deadline: number): Promise<BacklogAnswer> {
    return detached(() => this.#client.backlog(question, { deadline }));
  }

  async answer(parcel: Parcel, deadline: number): Promise<boolean> {
    return (await detached(() => this.#client.answer(writeParcel(parcel), { deadline }))).heard;
  }

  async close(): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}
