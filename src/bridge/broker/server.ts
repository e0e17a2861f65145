import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Context } from "../../base/handler.ts";
import { isSystemCode } from "../../base/outcome.ts";
import type { Broker, ReplyBox } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { SharedBroker } from "../../broker/shared-broker.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { lastingMax, messageBytesMax } from "./bounds.ts";
import type { BoxRequest, BrowseRequest, RemoteBroker } from "./contract.ts";
import { Outlet } from "./outlet.ts";
import { ServedConsumer } from "./served-consumer.ts";
import { line, readSheet, together, writeSheet } from "./sheet.ts";
import type { ToldBox } from "./telling.ts";
import { channelOf, envelopeOf, envelopeText, fieldsOf, outcomeText, outgoingOf } from "./text.ts";

/** A broker, as the other side of connections sees it. */
export class BrokerServer {
  readonly handlers: Handlers<typeof RemoteBroker>;
  readonly #shared: SharedBroker;
  /** For whoever asks only once. */
  readonly #broker: Broker;
  readonly #env: Env;
  /** Ends each consumer and each box that is open. */
  readonly #lasting = new Set<() => Promise<void>>();
  #closed = false;

  constructor(shared: SharedBroker, env: Env) {
    this.#env = env;
    this.#shared = shared;
    const broker = shared.open("");
    this.#broker = broker;
    const bytesMax = Math.min(messageBytesMax, shared.capabilities.bytesMax);
    const capabilities = { ...shared.capabilities, bytesMax };
    this.handlers = {
      about: () => ({ capabilities }),
      declare: ({ channels }, { refuse }) =>
        answered(refuse, async () => ({
          drifts: await broker.declare(channels.map((each) => channelOf(each))),
        })),
      publish: (sheet, { refuse }) =>
        answered(refuse, async () => {
          const outcomes = await broker.publish(published(sheet));
          return { outcomes: outcomes.map((each) => outcomeText(each)) };
        }),
      consume: (items, { head, signal, refuse }) =>
        answered(refuse, async () => {
          const consumer = new ServedConsumer(env);
          const end = this.#last(() => consumer.close());
          signal.addEventListener("abort", () => void end(), { once: true });
          try {
            await consumer.begin(shared.open(head.user), head);
          } catch (error) {
            await end();
            throw error;
          }
          return ended(consumer.tell(items, signal), end);
        }),
      replies: (asked, { signal, refuse }) => answered(refuse, () => this.#replies(asked, signal)),
      reply: (sheet, { refuse }) =>
        answered(refuse, async () => {
          for (const { what, data } of readSheet(sheet)) {
            const { to, envelope } = fieldsOf(what);
            await broker.reply(String(to), envelopeOf(envelope, data[0]));
          }
        }),
      browse: (asked, { refuse }) => answered(refuse, async () => this.#browse(asked)),
      lag: ({ channel, group }, { refuse }) =>
        answered(refuse, () => broker.lag(channelOf(channel), group)),
      reset: ({ channel, group, to }, { refuse }) =>
        answered(refuse, () => broker.reset(channelOf(channel), group, to)),
    };
  }

  /** Ends all consumers and all boxes: what is unsettled comes to those who come again. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lasting].map((end) => end()));
  }

  /** Keeps what ends something that lasts; what is given back ends it, once. */
  #last(end: () => Promise<void>): () => Promise<void> {
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the broker is stopping", { executed: "no" });
    if (this.#lasting.size >= lastingMax)
      throw systemError("RESOURCE_EXHAUSTED", `${lastingMax} consumers and boxes are open here`, {
        executed: "no",
      });
    const once = async (): Promise<void> => {
      if (this.#lasting.delete(once)) await end();
    };
    this.#lasting.add(once);
    return once;
  }

  async #replies(
    { name, since, address }: BoxRequest,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const outlet = new Outlet(this.#env);
    const say = (told: ToldBox, data: readonly Uint8Array[] = []): void => outlet.say(told, data);
    const at = (): number => this.#env.wall();
    let box: ReplyBox | undefined;
    const end = this.#last(async () => {
      await box?.close();
      outlet.drop();
    });
    signal.addEventListener("abort", () => void end(), { once: true });
    const terms = { name, ...(since === undefined ? {} : { since }) };
    try {
      box = await this.#shared.openReplies(
        terms,
        (envelope) =>
          say({ told: "reply", envelope: envelopeText(envelope), at: at() }, [envelope.data]),
        address,
      );
    } catch (error) {
      await end();
      throw error;
    }
    if (signal.aborted || this.#closed) await box.close(); // nobody wants it any more
    say({ told: "open", address: box.address, at: at() });
    return ended(outlet, end);
  }

  async *#browse({ channel, group, limit }: BrowseRequest): AsyncGenerator<Uint8Array, void> {
    const found = await this.#broker.browse(channelOf(channel), group, limit);
    const lines = found.map((envelope) => line(envelopeText(envelope), [envelope.data]));
    while (lines.length > 0) yield writeSheet(lines.splice(0, together(lines)));
  }
}

/** The same items; when there are no more, or nobody wants them, that is told. */
async function* ended(
  items: AsyncIterable<Uint8Array>,
  end: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* items;
  } finally {
    await end();
  }
}

/** The channels that the messages name come first. */
function published(sheet: Uint8Array): ReturnType<typeof outgoingOf>[] {
  const [head, ...messages] = readSheet(sheet);
  const { channels } = fieldsOf(head?.what);
  const known = new Map<string, Channel>();
  for (const each of Array.isArray(channels) ? channels : []) {
    const channel = channelOf(each);
    known.set(channel.name, channel);
  }
  return messages.map(({ what, data }) => outgoingOf(what, data[0], known));
}

/** What the broker refuses is no incident of the server. */
export async function answered<T>(refuse: Context["refuse"], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isTrunklineError(error) && isSystemCode(error.code) && error.executed === "no")
      throw refuse(error.code, error.reason);
    throw error;
  }
}
