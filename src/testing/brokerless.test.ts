import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { isTrunklineError } from "../base/error.ts";
import type { Random } from "../base/random.ts";
import type { DirectBroker } from "../bridge/direct/direct.ts";
import { goneMs } from "../bridge/direct/bounds.ts";
import { DirectLab } from "../bridge/direct/testing/lab.ts";
import type { Consumer, Delivery, Outgoing } from "../broker/broker.ts";
import { channel } from "../broker/channel.ts";
import { memory, MemoryRegistry } from "../discovery/memory/index.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { World, type SimEnv } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

const work = channel({
  name: "work",
  shape: "queue",
  ordered: true,
  guarantee: "at-most-once",
  mandatory: false,
});
const keys = 8;
const messages = 240;

/** One message that a handler had, and when. */
interface Handled {
  readonly id: number;
  readonly node: string;
  readonly from: number;
  until: number;
}

/** One process that consumes: one message after the other, each for a while. */
class Worker {
  readonly env: SimEnv;
  readonly broker: DirectBroker;
  readonly #consumer: Promise<Consumer>;
  readonly #story: Story;
  #handling: Promise<void> = Promise.resolve();
  unsettled = 0;

  constructor(story: Story, env: SimEnv) {
    this.#story = story;
    this.env = env;
    this.broker = story.lab.open(env.name, env);
    const terms = { channel: work, group: undefined, prefetch: 4 };
    this.#consumer = this.broker.consume(terms, (batch) => {
      for (const each of batch) {
        this.unsettled++;
        this.#handling = this.#handling.then(() => this.#handle(each));
      }
    });
    this.#consumer.catch(() => {}); // it was killed before it began
  }

  async #handle(delivery: Delivery): Promise<void> {
    const { world, dice, handled } = this.#story;
    const one = { id: Number(delivery.envelope.id), node: this.env.name };
    const entry: Handled = { ...one, from: world.now, until: Infinity };
    handled.push(entry);
    await new Promise<void>((resolve) => void this.env.in(dice() * 30, resolve));
    entry.until = world.now;
    await delivery.ack();
    this.unsettled--;
  }

  /** Finishes what it has, and goes. */
  async leave(): Promise<void> {
    const consumer = await this.#consumer;
    consumer.pause();
    while (this.unsettled > 0 && this.env.alive) await this.#story.world.sleep(5);
    if (this.env.alive) await this.broker.close();
  }
}

/** Messages of one publisher to workers that come, go, stand still, lose their connections and are killed. */
class Story {
  readonly world: World;
  readonly network: SimNetwork;
  readonly lab: DirectLab;
  readonly dice: Random;
  readonly handled: Handled[] = [];
  readonly outcomes = new Map<number, string>();
  readonly #workers: Worker[] = [];
  #made = 0;
  /** What may lose messages that were taken: deaths, and connections that are lost while a consumer hands on what it has. */
  harm = 0;

  constructor(seed: number) {
    this.world = new World(seed);
    this.network = new SimNetwork(this.world);
    this.network.latency = { minMs: 0.2, meanMs: 3 };
    this.dice = this.world.random("story");
    this.lab = new DirectLab({
      env: this.world.env("lab"),
      protocol: rsocket(this.network),
      discovery: memory(new MemoryRegistry()),
      waitMs: 5_000,
    });
  }

  async run(): Promise<void> {
    const publisher = this.lab.open("publisher", this.world.env("publisher"));
    for (let i = 0; i < 3; i++) this.#hire();
    await this.world.sleep(50);
    const published: Promise<void>[] = [];
    for (let id = 0; id < messages;) {
      const batch = Array.from(
        { length: Math.min(messages - id, 1 + Math.floor(this.dice() * 5)) },
        () => id++,
      );
      published.push(this.#publish(publisher, batch));
      await this.world.sleep(this.dice() * 25);
      if (this.dice() < 0.12) this.#upset();
    }
    await Promise.all(published);
    // Longer than the pauses, and the handling of all that waits.
    await this.world.sleep(30_000);
    await Promise.all(this.#workers.filter(({ env }) => env.alive).map((each) => each.leave()));
    await publisher.close();
  }

  #hire(): void {
    this.#workers.push(new Worker(this, this.world.env(`worker-${++this.#made}`)));
  }

  async #publish(publisher: DirectBroker, ids: readonly number[]): Promise<void> {
    const all = ids.map((id): Outgoing => {
      const subject = `k${id % keys}`;
      const text = { id: String(id), type: "t", source: "/s", subject, time: 0 };
      const rest = { contentType: "text/plain", attributes: {}, data: new Uint8Array(10) };
      return { channel: work, envelope: { ...text, ...rest } };
    });
    const results = await publisher.publish(all);
    results.forEach((result, i) => {
      this.outcomes.set(ids[i]!, isTrunklineError(result) ? result.executed : "ok");
    });
  }

  #upset(): void {
    const alive = this.#workers.filter(({ env }) => env.alive);
    const one = alive[Math.floor(this.dice() * alive.length)];
    const what = Math.floor(this.dice() * 5);
    if (what === 0 || one === undefined) this.#hire();
    else if (what === 1 && alive.length > 1) {
      this.#workers.splice(this.#workers.indexOf(one), 1);
      void one.leave();
    } else if (what === 2 && alive.length > 1) {
      this.harm++;
      this.network.crash(one.env);
      this.#hire();
    } else if (what === 3)
      // Who stands still for longer, and loses its connection meanwhile, is taken for gone.
      one.env.pause(this.dice() * 0.7 * goneMs);
    else {
      const { ends } = this.network;
      const end = ends[Math.floor(this.dice() * ends.length)];
      if (end === undefined) return;
      this.harm++;
      this.network.cut(end);
    }
  }

  check(): void {
    const ids = this.handled.map(({ id }) => id);
    equal(new Set(ids).size, ids.length, "no message was handled twice");
    equal(this.outcomes.size, messages, "each has an outcome");
    const had = new Set(ids);
    const refused = ids.filter((id) => this.outcomes.get(id) === "no");
    deepEqual(refused, [], "what is said not to be there is not there");
    const taken = [...this.outcomes].filter(([, outcome]) => outcome === "ok");
    const lost = taken.filter(([id]) => !had.has(id)).map(([id]) => id);
    if (this.harm === 0) deepEqual(lost, [], "nothing is lost without harm");
    for (let key = 0; key < keys; key++) {
      const own = this.handled
        .filter(({ id }) => id % keys === key)
        .toSorted((a, b) => a.from - b.from);
      for (let i = 1; i < own.length; i++) {
        const [before, after] = [own[i - 1]!, own[i]!];
        ok(
          before.id < after.id,
          `${after.id} of ${after.node} after ${before.id} of ${before.node}`,
        );
        const died = before.until === Infinity;
        ok(died || before.until <= after.from, `${after.id} began before ${before.id} had ended`);
      }
    }
  }
}

const [first, count] = [1, Number(process.env["SEEDS"] ?? 40)];

test("without a broker each key keeps its order and nothing comes twice, whoever comes, goes, stands still or dies", async () => {
  for (let seed = first; seed < first + count; seed++) {
    const story = new Story(seed);
    try {
      await story.world.play(() => story.run());
      story.check();
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
