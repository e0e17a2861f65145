import { World, type SimEnv } from "trunkline/testing";
import { channel, type Channel } from "../../src/broker/channel.ts";
import { MemoryBroker } from "../../src/broker/memory/memory-broker.ts";
import { MemoryStore } from "../../src/broker/memory/store.ts";
import { Dice } from "../dice.ts";
import { Ledger } from "./ledger.ts";
import { drawPlan, type FaultName, type Plan } from "./plan.ts";
import { SimBroker, type Ways } from "./sim-broker.ts";

/** What all nodes of one run share. */
export class Stage implements Ways {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger = new Ledger();
  readonly violations: string[] = [];
  readonly brokerEnv: SimEnv;
  readonly channel: Channel;
  /** Faults happen. */
  acting = true;
  readonly #store: MemoryStore;
  readonly #dice: Dice;

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.#dice = new Dice(this.world, "ways");
    this.brokerEnv = this.world.env("broker");
    this.#store = new MemoryStore({}, this.brokerEnv);
    const { ordered, shards } = this.plan;
    const groups = this.groups;
    this.channel = channel({ name: "orders.1.placed", shape: "topic", ordered, shards, groups });
    this.#store.declare(this.channel);
  }

  get groups(): string[] {
    return Array.from({ length: this.plan.groups }, (_, index) => `group-${index}`);
  }

  get transactions(): boolean {
    return this.plan.shards === 8;
  }

  complain(what: string): void {
    this.world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  broker(env: SimEnv): SimBroker {
    return new SimBroker(this.direct(), env, this);
  }

  /** Without faults, for those who look at the end. */
  direct(): MemoryBroker {
    return new MemoryBroker("memory:simulated", this.#store);
  }

  /** Messages of a group that are not settled. */
  waitingFor(group: string): number {
    return this.#store.queueOf(this.channel, group)?.size ?? 0;
  }

  latency(): number {
    const { latencyMs, faults } = this.plan;
    const slow = this.acting && faults.has("slow") && this.#dice.chance(0.02);
    return slow ? this.#dice.between(50, 3_000) : this.#dice.exponential(latencyMs);
  }

  /** Whether something of that class is lost now. */
  lost(what: FaultName): boolean {
    return this.acting && this.plan.faults.has(what) && this.#dice.chance(0.01);
  }
}
