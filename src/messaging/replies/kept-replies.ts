import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Processed } from "../../store/inbox-rows.ts";
import type { Within } from "../../store/within.ts";
import type { Inbox } from "../inbox/inbox.ts";
import type { Received } from "../work.ts";
import type { Replier } from "./replier.ts";
import { replyStored, storedReply } from "./stored-reply.ts";

/** The reply to a command. */
export interface Replied {
  readonly reply: Envelope;
  /** It was made before: the command has come again. */
  readonly known: boolean;
}

/** Replies to commands in the inbox, each with the mark of its command (IN-3). */
export class KeptReplies {
  readonly #inbox: Inbox;
  readonly #replier: Replier;

  constructor(inbox: Inbox, replier: Replier) {
    this.#inbox = inbox;
    this.#replier = replier;
  }

  /** Has what handles `incoming` run in a transaction with mark and reply, unless it was done. What is given tells, after that, what is replied. */
  attend(message: Received, incoming: Incoming): () => Replied | undefined {
    let replied: Replied | undefined;
    incoming.around = async (run) => {
      let output: unknown;
      replied = await this.#replied(message, async (within) => {
        incoming.within = within;
        output = await run();
        return this.#replier.compose(message.envelope, { output });
      });
      return output;
    };
    return () => replied;
  }

  /** What the handler has written was rolled back; that it failed so is the reply, also of who comes again. */
  failed(message: Received, failure: TrunklineError): Promise<Replied> {
    return this.#replied(message, () =>
      Promise.resolve(this.#replier.compose(message.envelope, { failure })),
    );
  }

  /** What is replied to one that was done before; undefined: it was not. */
  async find({ envelope }: Received): Promise<Envelope | undefined> {
    const known = await this.#inbox.store.inbox.find(this.#inbox.keyOf(envelope));
    return known && this.#replyOf(known, envelope);
  }

  async #replied(message: Received, make: (within: Within) => Promise<Envelope>): Promise<Replied> {
    const { envelope } = message;
    const { known, value } = await this.#inbox.process(message, async (within) => {
      const reply = await make(within);
      const { store, transaction } = within;
      await store.inbox.answer(transaction, this.#inbox.keyOf(envelope), storedReply(reply));
      return reply;
    });
    return known === undefined
      ? { reply: value, known: false }
      : { reply: this.#replyOf(known, envelope), known: true };
  }

  #replyOf({ reply }: Processed, envelope: Envelope): Envelope {
    if (reply !== undefined) return replyStored(reply);
    const failure = systemError("UNKNOWN", "the command was done; its reply was not kept", {
      executed: "yes",
      advice: "ask for what it has made, by an operation that reads",
    });
    return this.#replier.compose(envelope, { failure });
  }
}
