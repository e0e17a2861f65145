import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { StartAt } from "../../broker.ts";
import type { ConsumerTerms, Handed, LogStart, QueueConsumer } from "../consumer.ts";
import { definitionName, hostAndName } from "../host-names.ts";
import type { Json, Storage } from "../storage.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { bindingOf } from "./layout.ts";
import type { Room } from "./room.ts";

/** Messages that are put from a log into a queue before others have a turn. */
const atOnceMax = 1_000;
/** While there is no room for more, a feed looks again after so long, in milliseconds. */
const lookMs = 100;
const kind = "feed";

/** A queue that is to have what a log has from some place on, and then what is published. */
interface FeedTerms {
  readonly exchange: string;
  readonly log: string;
  readonly queue: string;
}

/**
 * Fills queues of groups that begin with what is kept. Until a queue has caught up with its log it is not bound: what is published
 * goes to the log alone and comes to the queue by that. How far it is stands in the storage, written together with each message
 * that it gets, so that after a crash nothing is missing and nothing is there twice.
 */
export class Feeds {
  readonly #host: VirtualHost;
  readonly #storage: Storage;
  readonly #room: Room;
  readonly #env: Env;
  readonly #feeds = new Map<string, Feed>();

  constructor(host: VirtualHost, storage: Storage, room: Room, env: Env) {
    this.#host = host;
    this.#storage = storage;
    this.#room = room;
    this.#env = env;
  }

  /** Goes on with those that were under way when the process before this one ended. */
  restore(): void {
    for (const { kind: found, name, value } of this.#storage.found.definitions) {
      if (found !== kind || hostAndName(name)[0] !== this.#host.name) continue;
      const { from, ...terms } = value as unknown as FeedTerms & { readonly from: LogStart };
      this.#start(terms, from);
    }
  }

  /** How many messages of its log a queue has still to get. */
  behind(queue: string): number {
    return this.#feeds.get(queue)?.behind() ?? 0;
  }

  begin(exchange: string, log: string, queue: string, from: Exclude<StartAt, "new">): void {
    const terms = { exchange, log, queue };
    const start = from === "first" ? from : { time: from };
    this.end(queue); // of a queue that was deleted meanwhile
    this.#note(terms, start);
    this.#start(terms, start);
  }

  end(queue: string): void {
    this.#feeds.get(queue)?.close();
    if (this.#feeds.delete(queue)) this.#storage.undefine(kind, this.#nameOf(queue));
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
  }

  #start(terms: FeedTerms, from: LogStart): void {
    const { log, queue } = terms;
    const [source, target] = [this.#host.queue(log), this.#host.queue(queue)];
    if (target === undefined) return this.#storage.undefine(kind, this.#nameOf(queue));
    if (source === undefined) return this.#caughtUp(terms);
    const next = (): number => source.lanes[0]!.next;
    const feed = new Feed(`feed ${queue}`, from, this.#env, {
      free: () => {
        if (!this.#room.there) return 0;
        const { lengthMax = Infinity } = target.terms;
        return Math.min(atOnceMax, lengthMax - target.count);
      },
      put: ({ message, seq }) => {
        this.#host.publishTo(queue, message);
        if (seq + 1 < next()) this.#note(terms, seq + 1);
        else this.#caughtUp(terms);
      },
      next,
      gone: () => this.#caughtUp(terms),
    });
    this.#feeds.set(queue, feed);
    feed.began(this.#host.consume(log, feed));
  }

  /** From now on it gets what is published by itself. */
  #caughtUp(terms: FeedTerms): void {
    this.end(terms.queue);
    if (this.#host.queue(terms.queue) !== undefined)
      this.#host.bind(bindingOf(terms.exchange, terms.queue));
  }

  #note({ exchange, log, queue }: FeedTerms, from: LogStart): void {
    // A queue that goes with the process is not filled any further after it.
    if (this.#host.queue(queue)?.terms.durable !== true) return;
    const value: Json = { exchange, log, queue, from };
    this.#storage.define({ kind, name: this.#nameOf(queue), value });
  }

  #nameOf(queue: string): string {
    return definitionName(this.#host.name, queue);
  }
}

interface FeedActs {
  /** For how many messages there is room. */
  free(): number;
  put(handed: Handed): void;
  /** The place of the next message of the log. */
  next(): number;
  /** The log is not there any more. */
  gone(): void;
}

/** Reads a log on behalf of a queue. */
class Feed implements ConsumerTerms {
  readonly tag: string;
  readonly user = "";
  readonly noAck = true;
  readonly early = true;
  readonly exclusive = false;
  readonly from: LogStart;
  readonly #env: Env;
  readonly #acts: FeedActs;
  #consumer: QueueConsumer | undefined;
  #next: number | undefined;
  #closed = false;
  #alarm: Alarm | undefined;

  constructor(tag: string, from: LogStart, env: Env, acts: FeedActs) {
    this.tag = tag;
    this.from = from;
    this.#env = env;
    this.#acts = acts;
    if (typeof from === "number") this.#next = from;
  }

  /** As far as is known. */
  behind(): number {
    return this.#next === undefined ? 0 : Math.max(0, this.#acts.next() - this.#next);
  }

  began(consumer: QueueConsumer): void {
    this.#consumer = consumer;
    if (this.#closed) consumer.close();
  }

  room(): number {
    if (this.#closed) return 0;
    const free = this.#acts.free();
    if (free <= 0)
      this.#alarm ??= alarmAt(this.#env, this.#env.now() + lookMs, () => {
        this.#alarm = undefined;
        this.#consumer?.wake();
      });
    return Math.max(0, free);
  }

  deliver(handed: Handed): void {
    if (this.#closed) return;
    this.#next = handed.seq + 1;
    this.#acts.put(handed);
  }

  cancelled(): void {
    if (!this.#closed) this.#acts.gone();
  }

  close(): void {
    this.#closed = true;
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#consumer?.close();
  }
}
