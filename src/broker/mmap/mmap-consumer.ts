import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
import { attribute } from "../attributes.ts";
import type { Consumer, Delivery, Outgoing } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import { fenced } from "../fenced.ts";
import { readEnvelope, unreadEnvelope } from "../written-envelope.ts";
import type { RingFile } from "./ring-file.ts";
import type { Taken } from "./ring-head.ts";
import { RingFileReader } from "./ring-file-reader.ts";

/** The ring that is consumed, and who looks after it. */
export interface ConsumedRing {
  readonly os: Addon;
  /** The name of its channel. */
  readonly name: string;
  /** Becomes the consumer's own. */
  readonly file: RingFile;
  readonly open: () => RingFile | undefined;
  readonly closed: () => void;
  readonly env: Env;
}

/** Messages that are read before others get their turn. */
const turnMax = 64;

/** Takes messages out of a ring, as many as may be unsettled. What is released stays here and comes again. */
export class MmapConsumer implements Consumer {
  readonly shards: readonly string[] = [];
  readonly #ring: ConsumedRing;
  readonly #prefetch: number;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #reader: RingFileReader;
  readonly #unsettled = new Set<MmapDelivery>();
  /** Released, to be delivered again; they count as unsettled, so there are no more than may be. */
  #again: Taken[] = [];
  #turn = false;
  #paused = false;
  #closed = false;
  /** Rises with each file that is lost: what was taken of one is not settled in another. */
  #life = 0;
  #troubled = false;

  constructor(ring: ConsumedRing, prefetch: number, deliver: (batch: readonly Delivery[]) => void) {
    const { os, file, open, env } = ring;
    this.#ring = ring;
    this.#prefetch = prefetch;
    this.#deliver = deliver;
    const ready = (): void => this.#read();
    const lost = (reason: string): void => this.#lose(reason);
    this.#reader = new RingFileReader(file, { os, open, ready, lost, env });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#soon();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#reader.close();
      this.#unsettled.clear();
      this.#again = [];
      this.#ring.closed();
    }
    return Promise.resolve();
  }

  settle(delivery: MmapDelivery, released: boolean): void {
    if (!this.#unsettled.delete(delivery)) throw fenced(this.#ring.name);
    if (released) this.#again.push(delivery.taken);
    else if (!this.#reader.settle(delivery.taken)) throw fenced(this.#ring.name);
    this.#soon();
  }

  get #room(): number {
    return this.#prefetch - this.#unsettled.size - this.#again.length;
  }

  /** Reads when this turn has ended: one look for all that is settled in it. */
  #soon(): void {
    if (this.#turn) return;
    this.#turn = true;
    this.#ring.env.defer(() => {
      this.#turn = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.#paused || this.#closed) return;
    const life = this.#life;
    const again = this.#again.splice(0).filter((taken) => this.#reader.again(taken));
    const wanted = Math.min(turnMax, this.#room - again.length);
    const fresh = wanted > 0 ? this.#reader.take(wanted) : [];
    // It was lost just now, and with it what was released.
    if (life !== this.#life) return;
    const batch = again.map((taken) => this.#delivery(taken));
    for (const each of batch) this.#unsettled.add(each);
    for (const taken of fresh) {
      const delivery = this.#delivery(taken);
      const expiry = delivery.envelope.attributes[attribute.expirytime];
      if (expiry !== undefined && Date.parse(expiry) <= this.#ring.env.wall()) {
        this.#reader.settle(taken);
        continue;
      }
      this.#unsettled.add(delivery);
      batch.push(delivery);
    }
    if (this.#closed) return; // by who was told that it is connected again
    if (wanted > 0 && fresh.length === wanted) this.#ring.env.yield(() => this.#read());
    if (batch.length > 0) this.#deliver(batch);
  }

  #delivery(taken: Taken): MmapDelivery {
    if (this.#troubled) this.#tell("connected");
    this.#troubled = false;
    const { name, env } = this.#ring;
    const read = taken.broken ?? readEnvelope(taken.bytes);
    const [envelope, malformed] =
      typeof read === "string" ? [unreadEnvelope(taken.bytes, name, env), read] : [read, undefined];
    return new MmapDelivery({ taken, envelope, malformed, ring: name }, this.#reader, this);
  }

  #lose(reason: string): void {
    this.#life++;
    this.#unsettled.clear();
    this.#again = [];
    if (!this.#troubled) this.#tell("lost", reason);
    this.#troubled = true;
  }

  #tell(state: "lost" | "connected", reason?: string): void {
    if (channels.broker.hasSubscribers)
      channels.broker.publish({ address: this.#ring.file.path, state, reason });
  }
}

interface Content {
  readonly taken: Taken;
  readonly envelope: Envelope;
  readonly malformed: string | undefined;
  readonly ring: string;
}

class MmapDelivery implements Delivery {
  readonly taken: Taken;
  readonly envelope: Envelope;
  readonly malformed: string | undefined;
  readonly attempt: number;
  readonly shard: string;
  readonly generation: number;
  readonly position: string;
  readonly #consumer: MmapConsumer;

  constructor(
    { taken, envelope, malformed, ring }: Content,
    { generation }: RingFileReader,
    consumer: MmapConsumer,
  ) {
    this.taken = taken;
    this.envelope = envelope;
    this.malformed = malformed;
    this.attempt = taken.handed;
    this.shard = ring;
    this.generation = generation;
    this.position = `${ring}@${taken.position}`;
    this.#consumer = consumer;
  }

  get redelivered(): boolean {
    return this.attempt > 1;
  }

  async ack(outputs: readonly Outgoing[] = []): Promise<void> {
    if (outputs.length > 0) throw this.#cannot("with what comes of it in one");
    this.#consumer.settle(this, false);
  }

  async release(notBefore?: number): Promise<void> {
    if (notBefore !== undefined) throw this.#cannot("later than at once");
    this.#consumer.settle(this, true);
  }

  #cannot(how: string): Error {
    return systemError("UNIMPLEMENTED", `a message of a ring cannot be settled ${how}`, {
      executed: "no",
      endpoint: this.shard,
    });
  }
}
