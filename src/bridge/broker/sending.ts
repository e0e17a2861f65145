import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Outgoing, Receipt } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import { detached } from "../../call/served-context.ts";
import { messageBytesMax, sheetBytesMax, underWayMax } from "./bounds.ts";
import type { RemoteTerms } from "./remote-consumer.ts";
import { alone, line, together, writeSheet, type Line } from "./sheet.ts";
import { outcomeOf, outgoingText } from "./text.ts";

interface Batch {
  readonly messages: readonly Pending[];
  readonly channels: readonly Channel[];
}

interface Pending extends Line {
  readonly channel: Channel;
  /** Until when it may be sent, of `env.now()`. */
  readonly deadlineAt: number;
  settle(outcome: Receipt | TrunklineError): void;
}

/**
 * Publishes by one request at a time, so that messages arrive in the order in which they were given; what gathers meanwhile
 * goes together.
 */
export class Sending {
  readonly #terms: RemoteTerms;
  readonly #env: Env;
  #pending: Pending[] = [];
  #underWay = 0;
  #running: Promise<void> | undefined;

  constructor(terms: RemoteTerms, env: Env) {
    this.#terms = terms;
    this.#env = env;
  }

  publish(message: Outgoing): Promise<Receipt | TrunklineError> {
    const { channel, envelope } = message;
    const text = line(outgoingText(message, channel.name), [envelope.data]);
    const refusal = this.#refusal(message, text);
    if (refusal !== undefined) return Promise.resolve(refusal);
    this.#underWay++;
    return new Promise((resolve) => {
      const settle = (outcome: Receipt | TrunklineError): void => {
        this.#underWay--;
        resolve(outcome);
      };
      const deadlineAt = this.#env.now() + this.#terms.waitMs;
      this.#pending.push({ ...text, channel, deadlineAt, settle });
      this.#running ??= detached(() => this.#run());
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #refusal({ channel, envelope }: Outgoing, text: Line): TrunklineError | undefined {
    const { endpoint } = this.#terms;
    const attributes = Object.entries(envelope.attributes);
    const bytes = attributes.reduce(
      (sum, [name, value]) => sum + name.length + Buffer.byteLength(value),
      envelope.data.byteLength,
    );
    if (
      bytes > messageBytesMax ||
      alone(text) + alone(line({ channels: [channel] })) > sheetBytesMax
    )
      return systemError(
        "INVALID_ARGUMENT",
        `the message has ${bytes} bytes; ${messageBytesMax} are allowed, and ${sheetBytesMax} with all that names it`,
        { executed: "no", endpoint, advice: "send a reference to it instead" },
      );
    if (this.#underWay >= underWayMax)
      return systemError("RESOURCE_EXHAUSTED", `${underWayMax} messages have no receipt yet`, {
        executed: "no",
        endpoint,
        advice: "wait for receipts before you publish more",
      });
    return undefined;
  }

  async #run(): Promise<void> {
    // What is published in one turn goes together.
    await new Promise<void>((resolve) => this.#env.defer(resolve));
    while (this.#pending.length > 0) await this.#send(this.#next());
    this.#running = undefined;
  }

  /** As many as go together. Two channels of one name do not: only one of them would be said. */
  #next(): Batch {
    const channels = new Map<string, Channel>();
    const most = together(this.#pending);
    let count = 0;
    for (const { channel } of this.#pending.slice(0, most)) {
      if ((channels.get(channel.name) ?? channel) !== channel) break;
      channels.set(channel.name, channel);
      count++;
    }
    return { messages: this.#pending.splice(0, count), channels: [...channels.values()] };
  }

  async #send({ messages, channels }: Batch): Promise<void> {
    const { client, endpoint } = this.#terms;
    const sheet = writeSheet([line({ channels }), ...messages]);
    const deadline = Math.max(0, messages[0]!.deadlineAt - this.#env.now());
    try {
      const { outcomes } = await client.publish(sheet, { deadline });
      for (const [index, message] of messages.entries())
        message.settle(outcomeOf(outcomes[index]!, endpoint));
    } catch (error) {
      const failure = isTrunklineError(error)
        ? error
        : systemError("INTERNAL", "messages could not be sent", {
            executed: "maybe",
            cause: error,
          });
      for (const message of messages) message.settle(failure);
    }
  }
}
