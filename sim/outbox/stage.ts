import { World, type SimEnv } from "trunkline/testing";
import { channel, type Channel } from "../../src/broker/channel.ts";
import { MemoryBroker } from "../../src/broker/memory/memory-broker.ts";
import { MemoryStore } from "../../src/broker/memory/store.ts";
import { Dice } from "../dice.ts";
import { SimBroker, type Ways } from "../messaging/sim-broker.ts";
import type { DatabaseWays } from "./connection.ts";
import { ModelDatabase } from "./database.ts";
import { Ledger } from "./ledger.ts";
import { drawPlan, type FaultName, type Plan } from "./plan.ts";

/** The group that consumes. */
export const group = "books";
/** More than the broker takes, until that is mended. */
export const largeBytes = 2_000;
/** Between two states that a failover can fall back to, in milliseconds. */
const rememberMs = 100;

/** What all nodes of one run share: a database, a broker, and what is known of both. */
export class Stage implements Ways, DatabaseWays {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger = new Ledger();
  readonly violations: string[] = [];
  readonly brokerEnv: SimEnv;
  readonly databaseEnv: SimEnv;
  readonly database: ModelDatabase;
  /** Consumers have one of their own, which no failover makes older. */
  readonly books: ModelDatabase;
  readonly channel: Channel;
  readonly transactions = false;
  /** Faults happen. */
  acting = true;
  /** What was wrong with refused messages was mended. */
  mended = false;
  readonly #store: MemoryStore;
  readonly #dice: Dice;

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.#dice = new Dice(this.world, "ways");
    this.brokerEnv = this.world.env("broker");
    this.databaseEnv = this.world.env("database");
    this.#store = new MemoryStore({}, this.brokerEnv);
    const { world } = this;
    const clock = {
      get now(): number {
        return world.now;
      },
      in: (delayMs: number, work: () => void): void => void this.databaseEnv.in(delayMs, work),
    };
    this.database = new ModelDatabase(clock);
    this.books = new ModelDatabase(clock);
    const { shards } = this.plan;
    this.channel = channel({
      name: "orders.1.placed",
      shape: "topic",
      ordered: true,
      shards,
      groups: [group],
    });
    this.#store.declare(this.channel);
    if (this.plan.faults.has("failover")) this.#remember();
  }

  #remember(): void {
    this.database.remember();
    if (this.acting) this.databaseEnv.in(rememberMs, () => this.#remember());
  }

  complain(what: string): void {
    this.world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  broker(env: SimEnv): SimBroker {
    return new SimBroker(new MemoryBroker("memory:simulated", this.#store), env, this);
  }

  /** The way to the database of those who consume. */
  get bookWays(): DatabaseWays {
    const { books, databaseEnv } = this;
    return {
      database: books,
      databaseEnv,
      databaseLatency: () => this.databaseLatency(),
      databaseLost: () => this.databaseLost(),
    };
  }

  /** Messages that are not settled at the broker. */
  get waiting(): number {
    return this.#store.queueOf(this.channel, group)?.size ?? 0;
  }

  latency(): number {
    const { latencyMs } = this.plan;
    return this.#slow() ? this.#dice.between(50, 3_000) : this.#dice.exponential(latencyMs);
  }

  databaseLatency(): number {
    return this.#slow()
      ? this.#dice.between(50, 2_000)
      : this.#dice.exponential(this.plan.latencyMs);
  }

  #slow(): boolean {
    return this.acting && this.plan.faults.has("slow") && this.#dice.chance(0.01);
  }

  databaseLost(): boolean {
    return this.lost("databaseLost");
  }

  lost(what: FaultName): boolean {
    return this.acting && this.plan.faults.has(what) && this.#dice.chance(0.01);
  }

  /** Where a batch is cut in two; undefined: it is not. */
  cut(length: number): number | undefined {
    return this.acting && this.plan.faults.has("batchCut") && this.#dice.chance(0.05)
      ? this.#dice.between(0, length)
      : undefined;
  }

  /** What is too large is taken when that was mended. */
  get bytesMax(): number {
    return this.mended ? largeBytes * 10 : largeBytes;
  }
}
