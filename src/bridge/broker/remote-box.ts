import type { Env } from "../../base/env.ts";
import { uuidv7 } from "../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { knownRepliesMax, overlapMs } from "./bounds.ts";
import { Following } from "./following.ts";
import type { RemoteTerms } from "./remote-consumer.ts";
import type { Said } from "./sheet.ts";
import type { ToldBox } from "./telling.ts";
import { envelopeOf, stated } from "./text.ts";

interface BoxTerms extends ReplyTerms {
  /** That of a transient one, where it had one before. */
  readonly address: string | undefined;
}

/** A reply box in another process than its broker. It keeps its address when the connection is lost. */
export class RemoteBox implements ReplyBox {
  readonly #heard: (envelope: Envelope) => void;
  readonly #following: Following;
  readonly #terms: RemoteTerms;
  /** From where on a durable one is read. */
  #since: number | undefined;
  /** Replies that it has heard lately, the oldest first. */
  readonly #known = new Set<string>();
  #address: string;
  #closed = false;

  static async open(
    reply: BoxTerms,
    heard: (envelope: Envelope) => void,
    terms: RemoteTerms,
    env: Env,
  ): Promise<RemoteBox> {
    const box = new RemoteBox(reply, heard, terms, env);
    terms.lasting.add(box);
    try {
      await box.#following.begin();
    } catch (error) {
      terms.lasting.delete(box);
      throw error;
    }
    return box;
  }

  private constructor(
    { name, since, address }: BoxTerms,
    heard: (envelope: Envelope) => void,
    terms: RemoteTerms,
    env: Env,
  ) {
    const { client, waitMs } = terms;
    this.#terms = terms;
    this.#heard = heard;
    this.#since = since;
    this.#address = address ?? `once/${uuidv7(env)}`;
    const open = (signal: AbortSignal): AsyncIterable<Uint8Array> => {
      const asked =
        name === undefined ? { address: this.#address } : stated({ name, since: this.#since });
      return client.replies(asked, { deadline: waitMs, signal });
    };
    const take = (said: Said): void => this.#take(said);
    this.#following = new Following({ open, heard: take, over: () => {} }, env);
  }

  get address(): string {
    return this.#address;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#terms.lasting.delete(this);
    await this.#following.close(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take({ what, data }: Said): void {
    const told = what as ToldBox;
    if (told.told === "open") {
      this.#address = told.address;
      this.#since ??= told.at;
      return;
    }
    this.#since = told.at - overlapMs;
    const { id } = told.envelope;
    if (this.#closed || this.#known.has(id)) return;
    this.#known.add(id);
    if (this.#known.size > knownRepliesMax) this.#known.delete(this.#known.values().next().value!);
    this.#heard(envelopeOf(told.envelope, data[0]));
  }
}
