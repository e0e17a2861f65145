import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Consumer, Delivery, Subscription } from "../../broker/broker.ts";
import { fenced } from "../../broker/fenced.ts";
import type { Client } from "../../call/client-type.ts";
import { sheetBytesMax } from "./bounds.ts";
import type { ConsumeRequest, RemoteBroker } from "./contract.ts";
import { Following } from "./following.ts";
import { Outlet } from "./outlet.ts";
import { RemoteDelivery, type DeliveryHome } from "./remote-delivery.ts";
import { alone, line, type Said } from "./sheet.ts";
import type { Asked, Told, ToldDelivery } from "./telling.ts";
import { errorOf, stated } from "./text.ts";

/** What a consumer needs of its broker. */
export interface RemoteTerms {
  readonly client: Client<typeof RemoteBroker>;
  readonly endpoint: string;
  /** What this process calls itself. */
  readonly user: string;
  /** The longest wait for the other side, in milliseconds. */
  readonly waitMs: number;
  /** What is to be closed with the broker. */
  readonly lasting: Set<{ close(): Promise<void> }>;
}

/** A consumer in another process than its broker. Each connection is a member of its group; what came by the one before is fenced. */
export class RemoteConsumer implements Consumer {
  readonly #subscription: Subscription;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #terms: RemoteTerms;
  readonly #env: Env;
  readonly #following: Following;
  #tie: Tie;
  #batch: RemoteDelivery[] = [];
  #paused = false;
  #closed = false;

  static async begin(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    terms: RemoteTerms,
    env: Env,
  ): Promise<RemoteConsumer> {
    const consumer = new RemoteConsumer(subscription, deliver, terms, env);
    terms.lasting.add(consumer);
    try {
      await consumer.#following.begin();
    } catch (error) {
      terms.lasting.delete(consumer);
      throw error;
    }
    return consumer;
  }

  private constructor(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    terms: RemoteTerms,
    env: Env,
  ) {
    this.#subscription = subscription;
    this.#deliver = deliver;
    this.#terms = terms;
    this.#env = env;
    this.#tie = new Tie(terms.endpoint, env);
    const open = (signal: AbortSignal): AsyncIterable<Uint8Array> => this.#open(signal);
    const heard = (said: Said): void => this.#heard(said);
    this.#following = new Following({ open, heard, over: () => this.#over() }, env);
  }

  get shards(): readonly string[] {
    return [...this.#tie.shards];
  }

  pause(): void {
    this.#paused = true;
    this.#tie.ask({ ask: "pause" });
  }

  resume(): void {
    this.#paused = false;
    this.#tie.ask({ ask: "resume" });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#terms.lasting.delete(this);
    this.#tie.leave();
    await this.#following.close(this.#terms.waitMs);
  }

  #open(signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { client, endpoint, user, waitMs } = this.#terms;
    this.#tie = new Tie(endpoint, this.#env);
    if (this.#paused) this.#tie.ask({ ask: "pause" });
    const { channel, group, prefetch, from, filter, exclusive, revoking, revokeMs } =
      this.#subscription;
    const asked = { channel, group, user, prefetch, from, filter, exclusive, revokeMs };
    const head: ConsumeRequest = stated({ ...asked, revoking: revoking !== undefined });
    return client.consume(this.#tie.outlet, { head, deadline: waitMs, signal });
  }

  #heard({ what, data }: Said): void {
    const told = what as Told;
    const tie = this.#tie;
    switch (told.told) {
      case "joined":
        for (const shard of told.shards) tie.shards.add(shard);
        return;
      case "assigned":
        tie.shards.add(told.shard);
        this.#subscription.assigned?.(told.shard);
        return;
      case "lost":
        tie.lose(told.shard);
        this.#subscription.lost?.(told.shard);
        return;
      case "revoking":
        return void this.#revoke(tie, told.shard);
      case "settled":
        return tie.settled(told);
      case "delivery":
        return this.#take(tie, told, data[0]);
    }
  }

  /** What came in one item is delivered together. */
  #take(tie: Tie, told: ToldDelivery, data: Uint8Array | undefined): void {
    if (this.#closed) return;
    const delivery = new RemoteDelivery(told, data, tie);
    tie.held.add(delivery);
    this.#batch.push(delivery);
    if (this.#batch.length === 1)
      this.#env.defer(() => {
        const batch = this.#batch.filter((each) => tie.held.has(each));
        this.#batch = [];
        if (!this.#closed && batch.length > 0) this.#deliver(batch);
      });
  }

  async #revoke(tie: Tie, shard: string): Promise<void> {
    await this.#subscription.revoking?.(shard).catch(() => undefined); // the shard goes all the same
    tie.shards.delete(shard);
    tie.ask({ ask: "revoked", shard });
  }

  /** The connection is lost, or the other side has ended: all that came by it belongs to somebody else. */
  #over(): void {
    const lost = [...this.#tie.shards];
    this.#tie.cut();
    if (!this.#closed) for (const shard of lost) this.#subscription.lost?.(shard);
  }
}

interface Settling {
  resolve(): void;
  reject(error: Error): void;
}

/** One connection of a consumer: what came by it, and what is asked on it. */
class Tie implements DeliveryHome {
  readonly endpoint: string;
  readonly outlet: Outlet;
  readonly shards = new Set<string>();
  readonly held = new Set<RemoteDelivery>();
  readonly #settling = new Map<number, Settling & { readonly delivery: RemoteDelivery }>();

  constructor(endpoint: string, env: Env) {
    this.endpoint = endpoint;
    this.outlet = new Outlet(env);
  }

  ask(asked: Asked, data: readonly Uint8Array[] = []): void {
    this.outlet.say(asked, data);
  }

  settle(
    delivery: RemoteDelivery,
    asked: Extract<Asked, { readonly ask: "ack" | "release" }>,
    data: readonly Uint8Array[],
  ): Promise<void> {
    if (!this.held.has(delivery)) return Promise.reject(fenced(this.endpoint));
    if (data.length > 0 && alone(line(asked, data)) > sheetBytesMax)
      return Promise.reject(
        systemError(
          "INVALID_ARGUMENT",
          `the outputs of one message have more than ${sheetBytesMax} bytes together`,
          { executed: "no", endpoint: this.endpoint, advice: "publish references to them instead" },
        ),
      );
    this.held.delete(delivery);
    this.ask(asked, data);
    return new Promise((resolve, reject) =>
      this.#settling.set(delivery.n, { delivery, resolve, reject }),
    );
  }

  settled({ n, error }: Extract<Told, { readonly told: "settled" }>): void {
    const settling = this.#settling.get(n);
    this.#settling.delete(n);
    if (error === undefined) return settling?.resolve();
    // Refused, but not taken away: it may be settled otherwise.
    if (settling !== undefined && error.gate !== "fenced") this.held.add(settling.delivery);
    settling?.reject(errorOf(error, this.endpoint));
  }

  lose(shard: string): void {
    this.shards.delete(shard);
    for (const delivery of this.held) if (delivery.shard === shard) this.held.delete(delivery);
  }

  /** What was asked before still goes; what is not settled by then is fenced. */
  leave(): void {
    this.held.clear();
    this.outlet.end();
  }

  cut(): void {
    this.shards.clear();
    this.held.clear();
    this.outlet.drop();
    for (const { reject } of this.#settling.values()) reject(fenced(this.endpoint));
    this.#settling.clear();
  }
}
