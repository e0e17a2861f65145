import type { SimEnv } from "trunkline/testing";
import { Relay } from "../../src/messaging/outbox/relay.ts";
import { Dice } from "../dice.ts";
import { ModelStore } from "./model-store.ts";
import type { Stage } from "./stage.ts";

/** One process that publishes from the outbox, through its lives. */
export class RelayNode {
  readonly name: string;
  readonly #stage: Stage;
  readonly #dice: Dice;
  #env!: SimEnv;
  #store!: ModelStore;
  #relay: Relay | undefined;

  constructor(stage: Stage, index: number) {
    this.name = `relay-${index}`;
    this.#stage = stage;
    this.#dice = new Dice(stage.world, this.name);
  }

  get up(): boolean {
    return this.#relay !== undefined && this.#env.alive;
  }

  start(): void {
    const { world, plan } = this.#stage;
    const env = world.env(this.name);
    this.#env = env;
    this.#store = new ModelStore(this.#stage, env);
    const broker = this.#stage.broker(env);
    const { batch, passes, leaseMs, refused } = plan;
    this.#relay = new Relay({
      store: this.#store,
      broker: () => Promise.resolve(broker),
      terms: { batch, concurrency: passes, leaseMs, pollMs: 500, refusalsMax: 3, refused },
      name: this.name,
      env,
    });
    world.trace(`${this.name} starts`);
    this.#relay.start();
  }

  /** kill -9; up again a little later. */
  crash(): void {
    if (!this.up) return;
    const { world } = this.#stage;
    world.trace(`${this.name} crashes`);
    this.#env.kill();
    this.#relay = undefined;
    world.in(this.#dice.between(10, 3_000), () => this.start());
  }

  /** Stands still, shorter or longer than its lease lasts. */
  pause(): void {
    if (!this.up) return;
    const forMs = this.#dice.between(100, 6_000);
    this.#stage.world.trace(`${this.name} stands still for ${forMs} ms`);
    this.#env.pause(forMs);
  }

  roll(): void {
    if (!this.up) return;
    this.#stage.world.trace(`${this.name} rolls`);
    const [relay, env] = [this.#relay!, this.#env];
    this.#relay = undefined;
    void relay.stop(1_000).then(() => {
      env.kill();
      this.start();
    });
  }

  async stop(): Promise<void> {
    await this.#relay?.stop(1_000);
  }

  /** Somebody has mended what was wrong with refused messages, and puts them back. */
  async redrive(): Promise<void> {
    for (const { id, key, parking } of await this.#store.outbox.dead(10_000))
      await this.#store.outbox.redrive(key !== undefined && parking !== "none" ? { key } : { id });
  }
}
