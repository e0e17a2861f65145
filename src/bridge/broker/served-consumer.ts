import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Broker, Consumer, Delivery, Subscription } from "../../broker/broker.ts";
import { fenced } from "../../broker/fenced.ts";
import { prefetchMax } from "./bounds.ts";
import type { ConsumeRequest } from "./contract.ts";
import { Outlet } from "./outlet.ts";
import { readSheet, type Said } from "./sheet.ts";
import type { Asked, Told, ToldDelivery } from "./telling.ts";
import { channelOf, envelopeText, errorText, fieldsOf, outgoingOf } from "./text.ts";

/** A consumer of a broker on behalf of somebody on the other side of a connection. */
export class ServedConsumer {
  readonly #outlet: Outlet;
  readonly #held = new Map<number, Delivery>();
  /** Shards that are to be given up as soon as the other side says that it has. */
  readonly #revoking = new Map<string, () => void>();
  #broker: Broker | undefined;
  #consumer: Consumer | undefined;
  #deliveries = 0;
  #closed = false;
  /** What the other side did wrong. */
  #problem: TrunklineError | undefined;

  constructor(env: Env) {
    this.#outlet = new Outlet(env);
  }

  /** `broker` is its own: it is closed with it. */
  async begin(broker: Broker, asked: ConsumeRequest): Promise<void> {
    this.#broker = broker;
    const deliver = (batch: readonly Delivery[]): void => batch.forEach((each) => this.#tell(each));
    this.#consumer = await broker.consume(this.#subscription(asked), deliver);
    this.#say({ told: "joined", shards: this.#consumer.shards });
    if (this.#closed) await broker.close();
  }

  /** What is to be told, until one of both sides ends it. */
  async *tell(items: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const gone = (): void => void this.close();
    signal.addEventListener("abort", gone, { once: true });
    void this.#read(items);
    try {
      // Not until the other side has ended too: it ends when it hears of this end.
      yield* this.#outlet;
      if (this.#problem !== undefined) throw this.#problem;
    } finally {
      signal.removeEventListener("abort", gone);
      await this.close();
    }
  }

  /** What is unsettled comes to somebody else. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const given of this.#revoking.values()) given();
    await this.#broker?.close();
    this.#held.clear();
    this.#outlet.end();
  }

  #subscription({ revoking, channel, ...asked }: ConsumeRequest): Subscription {
    return {
      channel: channelOf(channel),
      group: asked.group,
      prefetch: Math.max(1, Math.min(prefetchMax, asked.prefetch)),
      from: asked.from ?? "new",
      exclusive: asked.exclusive ?? false,
      ...(asked.filter === undefined ? {} : { filter: asked.filter }),
      ...(asked.revokeMs === undefined ? {} : { revokeMs: asked.revokeMs }),
      assigned: (shard) => this.#say({ told: "assigned", shard }),
      lost: (shard) => {
        for (const [n, each] of this.#held) if (each.shard === shard) this.#held.delete(n);
        this.#say({ told: "lost", shard });
      },
      ...(revoking ? { revoking: (shard: string) => this.#revoke(shard) } : {}),
    };
  }

  #revoke(shard: string): Promise<void> {
    this.#say({ told: "revoking", shard });
    return new Promise((resolve) => {
      this.#revoking.set(shard, resolve);
      if (this.#closed) resolve();
    });
  }

  #tell(delivery: Delivery): void {
    const { envelope, attempt, shard, generation, position } = delivery;
    const n = ++this.#deliveries;
    this.#held.set(n, delivery);
    const what = { n, envelope: envelopeText(envelope), attempt, shard, generation, position };
    this.#outlet.say({ told: "delivery", ...what } satisfies ToldDelivery, [envelope.data]);
  }

  async #read(items: AsyncIterable<Uint8Array>): Promise<void> {
    const settling = new Set<Promise<void>>();
    const failed = (error: unknown): void => {
      this.#problem ??= isTrunklineError(error) ? error : unreadable(error);
      void this.close();
    };
    try {
      for await (const sheet of items)
        for (const said of readSheet(sheet)) {
          const done: Promise<void> = this.#do(said)
            .catch(failed)
            .finally(() => settling.delete(done));
          settling.add(done);
        }
      await Promise.all(settling);
    } catch (error) {
      failed(error);
    } finally {
      await this.close();
    }
  }

  async #do({ what, data }: Said): Promise<void> {
    const asked = fieldsOf(what) as unknown as Asked;
    switch (asked.ask) {
      case "ack":
      case "release":
        return this.#settle(asked, data);
      case "revoked":
        this.#revoking.get(asked.shard)?.();
        this.#revoking.delete(asked.shard);
        return;
      case "pause":
        return this.#consumer?.pause();
      case "resume":
        return this.#consumer?.resume();
    }
  }

  async #settle(
    asked: Extract<Asked, { readonly ask: "ack" | "release" }>,
    data: readonly Uint8Array[],
  ): Promise<void> {
    const { n } = asked;
    try {
      const delivery = this.#held.get(n);
      if (delivery === undefined) throw fenced();
      if (asked.ask === "release") await delivery.release(asked.notBefore);
      else {
        const outputs = (asked.outputs ?? []).map((each, index) => outgoingOf(each, data[index]));
        await delivery.ack(outputs);
      }
      this.#held.delete(n);
      this.#say({ told: "settled", n });
    } catch (error) {
      if (!isTrunklineError(error)) throw error;
      if (error.gate === "fenced") this.#held.delete(n);
      this.#say({ told: "settled", n, error: errorText(error) });
    }
  }

  #say(told: Told): void {
    this.#outlet.say(told);
  }
}

function unreadable(cause: unknown): TrunklineError {
  return systemError("INVALID_ARGUMENT", "what the consumer says cannot be read", {
    executed: "maybe",
    cause,
  });
}
