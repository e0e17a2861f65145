import { existsSync, mkdirSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isTrunklineError } from "../../src/base/error.ts";
import { realEnv } from "../../src/base/real-env.ts";
import type { Broker, Consumer } from "../../src/broker/broker.ts";
import { mmap } from "../../src/broker/mmap/index.ts";
import type { Line } from "../log.ts";
import { Ledger, type Judgement } from "./ledger.ts";
import { Victim, type Ended } from "./struck.ts";
import { isWhole, job, jobs, type VictimTerms } from "./traffic.ts";

export interface Rounded extends Judgement {
  readonly ended: readonly Ended[];
  readonly stuck: number;
  readonly hung: number;
}

/** How long a reader may still come to its point once its writer has ended, in milliseconds. */
const afterwardsMs = 200;
/** How long the survivor may take to empty a ring, in milliseconds. */
const emptyMs = 30_000;
/** Messages of the survivor in a round. */
const ownCount = 10;

/** Rounds on one ring: a writer and a reader die; the survivor writes all the while, reads on, and counts. */
export class Round {
  readonly address: string;
  readonly #logs: string;
  readonly #random: () => number;
  readonly #broker: Broker;
  readonly #ledger = new Ledger();
  #rounds = 0;

  static async open(place: string, address: string, random: () => number): Promise<Round> {
    const logs = `${place}.logs`;
    mkdirSync(logs);
    return new Round(address, logs, random, await opened(address));
  }

  private constructor(address: string, logs: string, random: () => number, broker: Broker) {
    this.address = address;
    this.#logs = logs;
    this.#random = random;
    this.#broker = broker;
  }

  async close(): Promise<void> {
    await this.#broker.close();
  }

  async run(writing: VictimTerms, reading: VictimTerms): Promise<Rounded> {
    const writer = new Victim(writing, this.#logs, this.#random);
    const reader = new Victim(reading, this.#logs, this.#random);
    const lines: Pick<Line, "what" | "rest">[] = [];
    let consumer: Promise<Consumer> | undefined;
    const consume = (): Promise<Consumer> => (consumer ??= this.#consume(lines));
    // Somebody stands by, in every other round, and has the ring before we know that its reader is dead.
    if (this.#random() < 0.5) void reader.up().then(consume);
    const own = this.#publish(`survivor-${++this.#rounds}`);
    void writer.ended.then(() => reader.endSoon(afterwardsMs));
    await reader.ended;
    await consume();
    await writer.ended;
    const confirmed = await own;
    const stuck = await this.#left();
    await (await consumer!).close();
    // What the survivor got it got after its reader had died.
    for (const each of [confirmed, writer.lines, reader.lines, lines]) this.#ledger.read(each);
    const judgement = this.#ledger.judge();
    return {
      ...judgement,
      told: [...judgement.told, ...writer.told, ...reader.told],
      ended: [writer.result, reader.result],
      stuck,
      hung: Number(writer.hung) + Number(reader.hung),
    };
  }

  /** A maker dies; whoever comes next makes the ring, and uses it. */
  async make(terms: VictimTerms, place: string): Promise<Rounded> {
    const victim = new Victim(terms, this.#logs, this.#random);
    await victim.ended;
    const told = [...victim.told];
    await using broker = await opened(terms.address);
    const [receipt] = await broker.publish([job("next", 0, this.#random)]);
    if (isTrunklineError(receipt)) told.push(`the next one cannot publish: ${receipt.message}`);
    const { waiting } = await broker.lag(jobs, undefined);
    if (waiting !== 1) told.push(`${waiting} messages are in the new ring`);
    if (existsSync(`${place}.jobs.new`)) told.push("what was begun is left");
    rmSync(`${place}.jobs`, { force: true });
    const clean = { lost: 0, doubled: 0, reordered: 0, stuck: 0, hung: Number(victim.hung) };
    return { ...clean, messages: 1, ended: [victim.result], told };
  }

  #consume(into: Pick<Line, "what" | "rest">[]): Promise<Consumer> {
    return this.#broker.consume({ channel: jobs, group: undefined, prefetch: 16 }, (batch) => {
      for (const delivery of batch) {
        const { envelope, malformed, attempt } = delivery;
        const whole = malformed === undefined && isWhole(envelope);
        const { id } = envelope;
        into.push({ what: whole ? "got" : "torn", rest: [id, String(attempt)] });
        into.push({ what: "settles", rest: [id] });
        void delivery.ack().then(() => into.push({ what: "done", rest: [id] }));
      }
    });
  }

  /** What the survivor itself writes, and is confirmed. */
  async #publish(name: string): Promise<Pick<Line, "what" | "rest">[]> {
    const confirmed: Pick<Line, "what" | "rest">[] = [];
    for (let n = 0; n < ownCount; n++) {
      const message = job(name, n, this.#random);
      const [outcome] = await this.#broker.publish([message]);
      if (isTrunklineError(outcome)) throw outcome;
      confirmed.push({ what: "confirmed", rest: [message.envelope.id] });
      await pause(this.#random() * 20);
    }
    return confirmed;
  }

  /** How many messages nobody takes, although somebody reads. */
  async #left(): Promise<number> {
    const until = performance.now() + emptyMs;
    for (;;) {
      const { waiting } = await this.#broker.lag(jobs, undefined);
      if (waiting === 0 || performance.now() > until) return waiting;
      await pause(5);
    }
  }
}

async function opened(address: string): Promise<Broker> {
  const broker = await mmap().open(address, { name: "survivor", waitMs: emptyMs }, realEnv());
  await broker.declare([jobs]);
  return broker;
}
