import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Delivery } from "../../broker/broker.ts";
import { sendersMax } from "./bounds.ts";
import type { Taken } from "./contract.ts";
import type { Parcel, ParcelMessage } from "./parcel.ts";

export interface InboxTerms {
  /** Deliveries that are unsettled at a time. */
  readonly prefetch: number;
  /** Messages that wait beside those. */
  readonly roomMax: number;
  /** Refuses what there is no room for, instead of letting its sender wait. */
  readonly refusesWhenFull: boolean;
  readonly deliver: (batch: readonly Delivery[]) => void;
}

/** A message that is here. */
interface Item {
  readonly envelope: ParcelMessage["envelope"];
  readonly shard: string | undefined;
  /** Of its publisher and shard: who wants to know when none is left. */
  readonly strain: string | undefined;
  /** In the order of their coming. */
  readonly order: number;
  attempt: number;
  state: "waiting" | "unsettled" | "settled";
}

interface Sender {
  readonly parcel: Parcel;
  taken: number;
  readonly done: (why: Taken["why"]) => void;
}

/** Deliveries without a key are not of one order. */
const noShard = "-";

/**
 * What one consumer has in memory: messages that wait for their turn, and those that it works on. Both are bounded; who brings
 * more waits, in the order of coming, for as long as it said.
 */
export class Inbox {
  readonly #terms: InboxTerms;
  readonly #env: Env;
  #waiting: Item[] = [];
  readonly #unsettled = new Set<Item>();
  /** Who waits for room, the first one first. */
  readonly #senders = new Set<Sender>();
  /** How many of a publisher and shard are here, those that wait for room too, and who waits for none. */
  readonly #strains = new Map<string, { count: number; readonly waiting: Set<() => void> }>();
  #order = 0;
  #paused = false;
  #closed = false;
  #pumping = false;

  constructor(terms: InboxTerms, env: Env) {
    this.#terms = terms;
    this.#env = env;
  }

  /** Messages that wait or are unsettled. */
  get load(): number {
    return this.#waiting.length + this.#unsettled.size;
  }

  /** Takes what there is room for, and waits for more room as long as the sender would. */
  take(parcel: Parcel, signal?: AbortSignal): Promise<Taken> {
    if (this.#closed) return Promise.resolve({ taken: 0, why: "gone", load: 0 });
    if (this.#senders.size >= sendersMax)
      return Promise.resolve({ taken: 0, why: "full", load: this.load });
    return new Promise((resolve) => {
      const done = (why: Taken["why"]): void => {
        if (!this.#senders.delete(sender)) return;
        this.#env.clear(alarm);
        signal?.removeEventListener("abort", late);
        const { taken } = sender;
        for (const message of parcel.messages.slice(taken))
          this.#uncount(strainIn(parcel, message));
        resolve({ taken, load: this.load, ...(why === undefined ? {} : { why }) });
      };
      const late = (): void => done("late");
      const sender: Sender = { parcel, taken: 0, done };
      const alarm = alarmAt(this.#env, this.#env.now() + parcel.patienceMs, late);
      signal?.addEventListener("abort", late, { once: true });
      this.#senders.add(sender);
      for (const message of parcel.messages) this.#count(strainIn(parcel, message));
      this.#admit();
    });
  }

  /** Resolves with true when nothing of a publisher and shard is here, with false after `withinMs`. */
  settled(publisher: string, shard: string, withinMs: number): Promise<boolean> {
    const strain = this.#strains.get(strainOf(publisher, shard));
    if (strain === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (is: boolean): void => {
        this.#env.clear(alarm);
        strain.waiting.delete(yes);
        resolve(is);
      };
      const yes = (): void => end(true);
      const alarm = alarmAt(this.#env, this.#env.now() + withinMs, () => end(false));
      strain.waiting.add(yes);
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /**
   * Takes and delivers nothing any more, and gives what is not settled, in its order, to whoever hands it on: `left` settles
   * it here.
   */
  close(): { readonly messages: readonly ParcelMessage[]; readonly left: () => void } {
    this.#closed = true;
    for (const { done } of [...this.#senders]) done("gone");
    const items = [...this.#unsettled, ...this.#waiting].toSorted((a, b) => a.order - b.order);
    for (const item of this.#unsettled) item.attempt++;
    this.#unsettled.clear();
    this.#waiting = [];
    const left = (): void => {
      for (const item of items) this.#settle(item);
    };
    return { messages: items.filter((item) => !this.#expired(item)), left };
  }

  /** Lets those in who wait, as far as there is room. */
  #admit(): void {
    for (const sender of [...this.#senders]) {
      const { parcel } = sender;
      while (sender.taken < parcel.messages.length && this.#waiting.length < this.#terms.roomMax)
        this.#put(parcel.messages[sender.taken++]!, parcel);
      if (sender.taken === parcel.messages.length) sender.done(undefined);
      else if (this.#terms.refusesWhenFull) sender.done("full");
      else break;
    }
    this.#pump();
  }

  #put(message: ParcelMessage, parcel: Parcel): void {
    const { envelope, shard, attempt } = message;
    const strain = strainIn(parcel, message);
    const order = this.#order++;
    this.#waiting.push({ envelope, shard, strain, order, attempt, state: "waiting" });
  }

  /** Delivers once in a turn, so that what has come together is delivered together. */
  #pump(): void {
    if (this.#pumping || this.#paused || this.#closed || this.#waiting.length === 0) return;
    if (this.#unsettled.size >= this.#terms.prefetch) return;
    this.#pumping = true;
    this.#env.defer(() => {
      this.#pumping = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#paused || this.#closed) return;
    const batch: Delivery[] = [];
    const room = this.#terms.prefetch - this.#unsettled.size;
    let looked = 0;
    while (batch.length < room && looked < this.#waiting.length) {
      const item = this.#waiting[looked++]!;
      if (this.#expired(item)) this.#settle(item);
      else {
        item.state = "unsettled";
        this.#unsettled.add(item);
        batch.push(this.#delivery(item));
      }
    }
    this.#waiting.splice(0, looked);
    if (batch.length > 0) this.#terms.deliver(batch);
    this.#admit();
  }

  #delivery(item: Item): Delivery {
    const own = item.attempt;
    const mine = (): boolean => {
      if (this.#closed) throw fenced();
      return item.state === "unsettled" && item.attempt === own;
    };
    return {
      envelope: item.envelope,
      attempt: own,
      redelivered: own > 1,
      shard: item.shard ?? noShard,
      generation: 1, // what was delivered stays with its consumer
      ack: async (outputs = []) => {
        if (outputs.length > 0) throw refused("there are no transactions without a broker");
        if (!mine()) return;
        this.#unsettled.delete(item);
        this.#settle(item);
        this.#pump();
      },
      release: async (notBefore) => {
        if (notBefore !== undefined) throw refused("nothing is delayed without a broker");
        if (!mine()) return;
        this.#unsettled.delete(item);
        this.#again(item);
      },
    };
  }

  /** To the place that it had: before all that came after it. */
  #again(item: Item): void {
    item.attempt++;
    item.state = "waiting";
    const at = this.#waiting.findIndex(({ order }) => order > item.order);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, item);
    this.#pump();
  }

  #settle(item: Item): void {
    item.state = "settled";
    this.#uncount(item.strain);
  }

  #count(name: string | undefined): void {
    if (name === undefined) return;
    const strain = this.#strains.get(name) ?? { count: 0, waiting: new Set() };
    strain.count++;
    this.#strains.set(name, strain);
  }

  #uncount(name: string | undefined): void {
    const strain = name === undefined ? undefined : this.#strains.get(name);
    if (strain === undefined || --strain.count > 0) return;
    this.#strains.delete(name!);
    for (const yes of [...strain.waiting]) yes();
  }

  #expired({ envelope }: Item): boolean {
    const at = envelope.attributes[attribute.expirytime];
    return at !== undefined && Date.parse(at) <= this.#env.wall();
  }
}

function strainIn({ from }: Parcel, { shard }: ParcelMessage): string | undefined {
  return shard === undefined ? undefined : strainOf(from, shard);
}

function strainOf(publisher: string, shard: string): string {
  return `${publisher} ${shard}`;
}

function refused(reason: string): Error {
  return systemError("UNIMPLEMENTED", reason, { executed: "no" });
}

function fenced(): Error {
  return systemError("UNAVAILABLE", "the consumer is closed: the message was handed on", {
    executed: "maybe",
    gate: "fenced",
  });
}
