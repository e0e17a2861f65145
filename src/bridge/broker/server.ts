import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Context } from "../../base/handler.ts";
import { isSystemCode } from "../../base/outcome.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import { MemoryBroker } from "../../broker/memory/memory-broker.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../broker/memory/store.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { lastingMax, messageBytesMax } from "./bounds.ts";
import type { BoxRequest, BrowseRequest, RemoteBroker } from "./contract.ts";
import { Outlet } from "./outlet.ts";
import { ServedConsumer } from "./served-consumer.ts";
import { line, readSheet, together, writeSheet } from "./sheet.ts";
import type { ToldBox } from "./telling.ts";
import { channelOf, envelopeOf, envelopeText, fieldsOf, outcomeText, outgoingOf } from "./text.ts";

/** A memory broker, as the other side of connections sees it. */
export class BrokerServer {
  readonly handlers: Handlers<typeof RemoteBroker>;
  readonly #store: MemoryStore;
  readonly #broker: MemoryBroker;
  readonly #env: Env;
  /** Ends each consumer and each box that is open. */
  readonly #lasting = new Set<() => void>();
  #closed = false;

  constructor(options: MemoryStoreOptions, env: Env) {
    const bytesMax = Math.min(messageBytesMax, options.bytesMax ?? messageBytesMax);
    this.#env = env;
    this.#store = new MemoryStore({ ...options, bytesMax }, env);
    const broker = new MemoryBroker("memory:", this.#store);
    this.#broker = broker;
    this.handlers = {
      about: () => ({ capabilities: broker.capabilities }),
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
          const end = this.#last(() => void consumer.close());
          signal.addEventListener("abort", end, { once: true });
          try {
            await consumer.begin(new MemoryBroker("memory:", this.#store, head.user), head);
          } catch (error) {
            end();
            throw error;
          }
          return ended(consumer.tell(items, signal), end);
        }),
      replies: (asked, { signal, refuse }) =>
        answered(refuse, async () => this.#replies(asked, signal)),
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

  /** The same broker for who is in this process. */
  open(): Broker {
    return new MemoryBroker("memory:", this.#store);
  }

  /** Ends all consumers and all boxes: what is unsettled comes to those who come again. */
  close(): void {
    this.#closed = true;
    for (const end of [...this.#lasting]) end();
  }

  /** Keeps what ends something that lasts; what is given back ends it. */
  #last(end: () => void): () => void {
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the broker is stopping", { executed: "no" });
    if (this.#lasting.size >= lastingMax)
      throw systemError("RESOURCE_EXHAUSTED", `${lastingMax} consumers and boxes are open here`, {
        executed: "no",
      });
    const once = (): void => {
      if (this.#lasting.delete(once)) end();
    };
    this.#lasting.add(once);
    return once;
  }

  #replies({ name, since, address }: BoxRequest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const outlet = new Outlet(this.#env);
    const say = (told: ToldBox, data: readonly Uint8Array[] = []): void => outlet.say(told, data);
    const at = (): number => this.#env.wall();
    const end = this.#last(() => void box.close().then(() => outlet.drop()));
    const terms = { name, ...(since === undefined ? {} : { since }) };
    const box = this.#store.openReplies(
      terms,
      (envelope) =>
        say({ told: "reply", envelope: envelopeText(envelope), at: at() }, [envelope.data]),
      address,
    );
    say({ told: "open", address: box.address, at: at() });
    signal.addEventListener("abort", end, { once: true });
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
  end: () => void,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* items;
  } finally {
    end();
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
async function answered<T>(refuse: Context["refuse"], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isTrunklineError(error) && isSystemCode(error.code) && error.executed === "no")
      throw refuse(error.code, error.reason);
    throw error;
  }
}
