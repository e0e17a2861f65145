import type { SimEnv } from "trunkline/testing";
import { MessageConsumer } from "../../src/messaging/consumer.ts";
import { consumerTerms } from "../../src/messaging/consumer-terms.ts";
import { Parking } from "../../src/messaging/dead/parking.ts";
import { noteOf } from "../../src/messaging/failure-note.ts";
import type { Outcome, Received } from "../../src/messaging/work.ts";
import { Dice } from "../dice.ts";
import type { Stage } from "./stage.ts";

const operation = {
  name: "orders.placed",
  kind: "event",
  contract: "orders",
  version: "1.0.0",
} as const;

/** One process that consumes for one group, through its lives. */
export class ConsumerNode {
  readonly name: string;
  readonly group: string;
  readonly #stage: Stage;
  readonly #dice: Dice;
  #env: SimEnv | undefined;
  #consumer: MessageConsumer | undefined;

  constructor(stage: Stage, group: string, index: number) {
    this.name = `${group}-consumer-${index}`;
    this.group = group;
    this.#stage = stage;
    this.#dice = new Dice(stage.world, this.name);
  }

  get up(): boolean {
    return this.#consumer !== undefined && this.#env!.alive;
  }

  start(): void {
    const { world, plan, channel } = this.#stage;
    const env = world.env(this.name);
    const broker = this.#stage.broker(env);
    this.#env = env;
    const { concurrency, prefetch, dead, ordered } = plan;
    const retry = { soon: 2, later: 3, base: "100ms", cap: "1s" } as const;
    const terms = consumerTerms(
      { concurrency, prefetch, dead, retry, within: "2s" },
      undefined,
      ordered,
    );
    const { group } = this;
    const byKey = terms.dead === "park-key";
    const consumer = new MessageConsumer({
      broker,
      channel,
      group,
      operation,
      terms,
      work: (message) => this.#handle(message, env),
      ended: () => Promise.resolve(),
      dead: new Parking({ broker, channel, group, byKey, env }),
      dataOf: () => undefined,
      env,
    });
    this.#consumer = consumer;
    world.trace(`${this.name} starts`);
    void consumer.start();
  }

  async #handle(message: Received, env: SimEnv): Promise<Outcome> {
    const { ledger } = this.#stage;
    const { id } = message.envelope;
    const { fate } = ledger.sent.get(id)!;
    ledger.attempts++;
    const work = (ms: number): Promise<void> => new Promise((resolve) => void env.in(ms, resolve));
    await work(fate === "slow" ? this.#dice.between(100, 1_500) : this.#dice.exponential(2));
    if (!env.alive) return new Promise(() => {});
    this.#stage.world.trace(`${this.name} ${id} ${fate} attempt ${message.attempt}`);
    if (fate === "poison" || (fate === "flaky" && message.attempt <= 2))
      return { kind: "retry", failure: noteOf(new Error(`a ${fate} message`)) };
    if (fate === "rejected")
      return { kind: "dead", failure: { why: "rejected", code: "rejected", reason: "never" } };
    if (fate === "later" && message.attempt === 1)
      return { kind: "retry", afterMs: 300, failure: noteOf(new Error("not now")) };
    if (fate === "deadly" && message.attempt <= 2 && this.#stage.acting) {
      this.crash();
      return new Promise(() => {});
    }
    ledger.effect(this.group, id);
    return { kind: "done" };
  }

  /** kill -9; up again a little later. */
  crash(): void {
    if (!this.up) return;
    this.#stage.world.trace(`${this.name} crashes`);
    this.#env!.kill();
    this.#consumer = undefined;
    this.#stage.world.in(this.#dice.between(10, 2_000), () => {
      if (this.#consumer === undefined) this.start();
    });
  }

  /** Stands still, as under SIGSTOP, shorter or longer than its session lasts. */
  pause(): void {
    if (!this.up) return;
    const forMs = this.#dice.between(100, 6_000);
    this.#stage.world.trace(`${this.name} stands still for ${forMs} ms`);
    this.#env!.pause(forMs);
  }

  /** Stops in order, and comes back. */
  roll(): void {
    if (!this.up) return;
    this.#stage.world.trace(`${this.name} rolls`);
    const consumer = this.#consumer!;
    this.#consumer = undefined;
    const env = this.#env!;
    void consumer.stop(3_000).then(() => {
      env.kill();
      this.start();
    });
  }

  revive(): void {
    if (this.#consumer === undefined) return;
    if (!this.#env!.alive) this.start();
  }

  async stop(): Promise<void> {
    await this.#consumer?.stop(3_000);
  }
}
