import type { SimEnv } from "trunkline/testing";
import { dropping } from "../../src/messaging/dead/dropping.ts";
import { MessageConsumer } from "../../src/messaging/consumer.ts";
import { consumerTerms } from "../../src/messaging/consumer-terms.ts";
import { CountedAttempts } from "../../src/messaging/inbox/attempts.ts";
import { Inbox } from "../../src/messaging/inbox/inbox.ts";
import { Purge } from "../../src/messaging/inbox/retention.ts";
import { Solitude } from "../../src/messaging/inbox/solitude.ts";
import { Outbox } from "../../src/messaging/outbox/outbox.ts";
import type { Work } from "../../src/messaging/work.ts";
import { Dice } from "../dice.ts";
import { ModelStore } from "./model-store.ts";
import { nativeOf } from "./native.ts";
import { group, type Stage } from "./stage.ts";

const operation = {
  name: "orders.placed",
  kind: "event",
  contract: "orders",
  version: "1.0.0",
} as const;

/** Longer than anything is delivered again here. */
const retentionMs = 1_000_000;

/** One process that consumes, and does each message in a transaction in which it is marked. */
export class ConsumerNode {
  readonly name: string;
  readonly #stage: Stage;
  readonly #dice: Dice;
  #env!: SimEnv;
  #store!: ModelStore;
  #consumer: MessageConsumer | undefined;

  constructor(stage: Stage, index: number) {
    this.name = `consumer-${index}`;
    this.#stage = stage;
    this.#dice = new Dice(stage.world, this.name);
  }

  get up(): boolean {
    return this.#consumer !== undefined && this.#env.alive;
  }

  start(): void {
    const { world, plan, channel } = this.#stage;
    const env = world.env(this.name);
    this.#env = env;
    this.#store = new ModelStore(this.#stage.bookWays, env);
    const { concurrency } = plan;
    const retry = { soon: 1_000, later: 0, base: "50ms", cap: "500ms" } as const;
    const terms = consumerTerms(
      // What it remembers by itself would hide what the inbox forgets.
      { concurrency, retry, remembered: 0, within: "10s" },
      undefined,
      true,
    );
    const consumer = new MessageConsumer({
      broker: this.#stage.broker(env),
      channel,
      group,
      operation,
      terms,
      work: this.#work(env),
      ended: () => Promise.resolve(),
      dead: dropping,
      dataOf: () => undefined,
      env,
    });
    this.#consumer = consumer;
    world.trace(`${this.name} starts`);
    void consumer.start();
    new Purge(this.#store, retentionMs, env).start();
  }

  #work(env: SimEnv): Work {
    const { world, ledger } = this.#stage;
    const store = this.#store;
    const inbox = new Inbox({
      store,
      outbox: new Outbox(store, { name: this.name, env }),
      consumer: group,
      keyOf: ({ id }) => id,
      env,
    });
    const attempts = new CountedAttempts({
      rows: store.inbox,
      keyOf: (envelope) => inbox.keyOf(envelope),
      solitude: new Solitude(),
      env,
    });
    return attempts.around((message) =>
      inbox.outcome(message, async ({ transaction }) => {
        const { id } = message.envelope;
        await new Promise<void>((resolve) => void env.in(this.#dice.exponential(3), resolve));
        nativeOf(transaction).atCommit.push(() => {
          world.trace(`effect of ${id}`);
          ledger.effects.push(id);
        });
        return { kind: "done" };
      }),
    );
  }

  crash(): void {
    if (!this.up) return;
    const { world } = this.#stage;
    world.trace(`${this.name} crashes`);
    this.#env.kill();
    this.#consumer = undefined;
    this.#missed(this.#store);
    world.in(this.#dice.between(10, 2_000), () => this.start());
  }

  pause(): void {
    if (this.up) this.#env.pause(this.#dice.between(100, 5_000));
  }

  roll(): void {
    if (!this.up) return;
    const [consumer, env, store] = [this.#consumer!, this.#env, this.#store];
    this.#consumer = undefined;
    void consumer.stop(3_000).then(() => {
      env.kill();
      this.#missed(store);
      this.start();
    });
  }

  /** The database notices some time later that a process is gone, and rolls back what that had open. */
  #missed(store: ModelStore): void {
    const { world, books } = this.#stage;
    world.in(this.#dice.between(1, 1_000), () => {
      books.drop(store);
      books.drop(store.connection);
    });
  }

  async stop(): Promise<void> {
    await this.#consumer?.stop(3_000);
  }
}
