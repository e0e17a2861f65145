import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Operation } from "../../protocol/operation.ts";
import { replyTo, type Outcome } from "./reply.ts";

/** What is known of an operation where replies are made. */
export interface ReplyingOperation {
  readonly operation: Pick<Operation, "name" | "output">;
  /** Reports an exception that nobody expected, and makes the error that may be told of it. */
  incident(exception: unknown): TrunklineError;
}

/** Replies of one operation to whoever asked. Who asked for no reply gets none. */
export class Replier {
  readonly #broker: Broker;
  readonly #served: ReplyingOperation;
  readonly #env: Env;
  readonly #bytesMax: number;

  /** `bytesMax`: replies are kept somewhere that takes no more than that. */
  constructor(broker: Broker, served: ReplyingOperation, env: Env, bytesMax: number = Infinity) {
    this.#broker = broker;
    this.#served = served;
    this.#env = env;
    this.#bytesMax = Math.min(broker.capabilities.bytesMax, bytesMax);
  }

  /** An output that cannot be written, or is more than is taken, is replied as the failure that it is. Never throws. */
  compose(request: Envelope, outcome: Outcome, answeredBy?: string): Envelope {
    const { operation } = this.#served;
    const compose = (told: Outcome): Envelope =>
      replyTo(request, operation, told, answeredBy, this.#env);
    let reply: Envelope;
    try {
      reply = compose(outcome);
    } catch (exception) {
      return compose({ failure: this.#served.incident(exception) });
    }
    const bytesMax = this.#bytesMax;
    const bytes = reply.data.byteLength + attributesRoomBytes;
    return bytes <= bytesMax ? reply : compose({ failure: tooLarge(bytes, bytesMax) });
  }

  /** Resolves when the broker has the reply; rejects with its error. */
  async send(request: Envelope, reply: Envelope): Promise<void> {
    const to = request.attributes[attribute.replyto];
    if (to === undefined) return;
    try {
      await this.#broker.reply(to, reply);
    } catch (error) {
      if (!isTrunklineError(error) || error.code !== "INVALID_ARGUMENT") throw error;
      // The address is none of this broker's: nobody can be told, however often it is tried.
    }
  }

  async answer(request: Envelope, outcome: Outcome, answeredBy?: string): Promise<void> {
    await this.send(request, this.compose(request, outcome, answeredBy));
  }
}

/** What the attributes of a reply take at most. */
const attributesRoomBytes = 1_024;

function tooLarge(bytes: number, bytesMax: number): TrunklineError {
  return systemError(
    "RESOURCE_EXHAUSTED",
    `the answer takes ${bytes} bytes, at most ${bytesMax} are carried`,
    { executed: "yes", advice: "answer with less, or with where it is" },
  );
}
