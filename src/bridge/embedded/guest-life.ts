import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { BrokerCapabilities } from "../../broker/broker.ts";
import { makeClient } from "../../call/client.ts";
import { detached } from "../../call/served-context.ts";
import type { Caller } from "../../protocol/protocol.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { unix } from "../../transport/unix/index.ts";
import { RemoteBroker as BrokerContract } from "../broker/contract.ts";
import { RemoteBroker, type RemoteClient } from "../broker/remote-broker.ts";
import { stated } from "../broker/text.ts";
import { welcomeMs } from "./bounds.ts";
import { FolderOwner } from "./contract.ts";
import type { Life, Seat } from "./life.ts";
import { meetingPlace, type MeetingPlace } from "./meeting-place.ts";
import type { Overseer } from "./overseer.ts";
import { once } from "./once.ts";

export interface GuestTerms {
  readonly folder: string;
  /** As people know it: `file:/var/lib/orders`. */
  readonly address: string;
  /** What this process calls itself. */
  readonly name: string;
  readonly pid: number;
  readonly waitMs: number;
}

/** Requests of all users of this process under way at the owner, and their consumers and boxes. */
const outstandingMax = 65_536;

/** A folder whose owner is another process: one connection to it, and what comes by that. */
export class GuestLife implements Life {
  readonly role = "guest";
  readonly ended: Promise<string>;
  onLeaving: ((withinMs: number) => Promise<void>) | undefined;
  readonly #terms: GuestTerms;
  readonly #place: MeetingPlace;
  readonly #caller: Caller;
  readonly #owner;
  readonly #env: Env;
  readonly #end: (reason: string) => void;
  readonly #abort = new AbortController();
  #capabilities: BrokerCapabilities | undefined;
  #over = false;

  /** Rejects with UNAVAILABLE when there is no owner that answers. */
  static async open(terms: GuestTerms, env: Env): Promise<GuestLife> {
    const life = new GuestLife(terms, await meetingPlace(terms.folder), env);
    try {
      await life.#begin();
      return life;
    } catch (error) {
      await life.close();
      throw error;
    }
  }

  private constructor(terms: GuestTerms, place: MeetingPlace, env: Env) {
    this.#terms = terms;
    this.#place = place;
    this.#env = env;
    const options = {
      connectWaitMs: welcomeMs,
      failFast: true,
      maxAgeMs: Infinity,
      outstandingMax,
    };
    this.#caller = rsocket(once(unix())).connect(place.address, options, env);
    this.#owner = this.#client(FolderOwner);
    const ended = Promise.withResolvers<string>();
    this.ended = ended.promise;
    this.#end = ended.resolve;
  }

  get capabilities(): BrokerCapabilities {
    return this.#capabilities!;
  }

  get over(): boolean {
    // Whoever hears of a failure sooner than of the lost connection sees it here.
    return this.#over || this.#caller.state !== "ready";
  }

  /** All clients share the connection, which is not theirs to close. */
  #client<C extends typeof FolderOwner | typeof BrokerContract>(contract: C) {
    const { waitMs } = this.#terms;
    const calling = { env: this.#env, deadlineMs: waitMs, checkSent: false, caller: this.#caller };
    return makeClient<C>(contract, calling, () => Promise.resolve());
  }

  async #begin(): Promise<void> {
    const words = detached(() =>
      this.#owner.stay(
        { name: this.#terms.name, pid: this.#terms.pid },
        { deadline: welcomeMs, signal: this.#abort.signal },
      ),
    );
    const first = await words.next();
    if (first.done === true || first.value.word !== "welcome")
      throw systemError("UNAVAILABLE", "the owner has no word of welcome", { executed: "no" });
    const { guest } = first.value;
    const client = this.#client(BrokerContract);
    const asked = await detached(() => client.about(undefined, { deadline: welcomeMs }));
    this.#capabilities = asked.capabilities;
    void this.#listen(words, guest);
  }

  async #listen(words: AsyncIterable<{ readonly word: string }>, guest: number): Promise<void> {
    let reason = "the owner has left";
    try {
      for await (const said of words) {
        const { word, withinMs = 0 } = said as { word: string; withinMs?: number };
        if (word === "leaving") void this.#rest(guest, withinMs);
      }
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    this.#over = true;
    this.#end(reason);
  }

  async #rest(guest: number, withinMs: number): Promise<void> {
    await this.onLeaving?.(withinMs);
    // Whoever does not hear it waits no longer than it has said.
    await detached(() => this.#owner.rested({ guest }, { deadline: welcomeMs })).catch(() => {});
  }

  /** As the owner answers. */
  get overseer(): Overseer {
    return {
      status: () => this.#owner.status(undefined),
      queues: (host) => this.#owner.queues(stated({ host })),
      users: () => this.#owner.users(undefined),
      definitions: (host) => this.#owner.definitions(stated({ host })),
      define: (text) => this.#owner.define(text),
    };
  }

  async open(user: string): Promise<Seat> {
    const { address, waitMs } = this.#terms;
    const open = (): RemoteClient => this.#client(BrokerContract);
    const broker = await RemoteBroker.open({ address, open }, { name: user, waitMs }, this.#env);
    return { broker, openReplies: (...asked) => broker.replies(...asked) };
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#abort.abort();
    await this.#owner[Symbol.asyncDispose]();
    await this.#caller.close();
    await this.#place.close();
    this.#end("it was closed");
  }
}
