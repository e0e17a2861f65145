import type { Message } from "../broker/embedded/message.ts";
import { Fault } from "./fault.ts";
import type { Held } from "./unsettled.ts";

/** A message that waits for its commit. */
export interface Publication {
  readonly message: Message;
  readonly notBefore: number | undefined;
  readonly mandatory: boolean;
}

export type Settlement = "ack" | "release" | "reject";

/** A settlement that waits for its commit. */
export interface Settling {
  readonly tag: number;
  readonly held: Held;
  readonly how: Settlement;
}

/** What settlements weigh beside messages, in bytes. */
const settlingBytes = 256;

/** What a channel has asked for since the last commit or rollback. */
export class Transaction {
  readonly #bytesMax: number;
  #publications: Publication[] = [];
  #settlings: Settling[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  publish(publication: Publication): void {
    const { body, properties } = publication.message;
    this.#weigh(body.length + properties.length + settlingBytes);
    this.#publications.push(publication);
  }

  settle(settling: Settling): void {
    this.#weigh(settlingBytes);
    this.#settlings.push(settling);
  }

  /** Gives out what there is, and begins anew. */
  end(): {
    readonly publications: readonly Publication[];
    readonly settlings: readonly Settling[];
  } {
    const ended = { publications: this.#publications, settlings: this.#settlings };
    this.#publications = [];
    this.#settlings = [];
    this.#bytes = 0;
    return ended;
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax)
      throw new Fault(
        "PRECONDITION_FAILED",
        `a transaction of more than ${this.#bytesMax} bytes: commit sooner`,
      );
  }
}
