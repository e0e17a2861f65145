import { SimNetwork, World } from "trunkline/testing";
import { registryAt } from "../../src/chassis/registry-at.ts";
import type { Discovery } from "../../src/discovery/discovery.ts";
import type { SimEnv } from "trunkline/testing";
import { Dice } from "../dice.ts";
import { drawPlan, type Plan } from "./plan.ts";

/** The contract that everybody registers and watches. */
export const service = "orders";

/** So long after it was closed a process has let go of everything, in milliseconds: it looks every 50 ms whether it stood still. */
export const restMs = 100;

/** What all nodes of one run share. */
export class Stage {
  readonly world: World;
  readonly network: SimNetwork;
  readonly plan: Plan;
  readonly violations: string[] = [];
  /** Snapshots that were told. */
  told = 0;

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.network = new SimNetwork(this.world);
    this.network.latency = this.plan.latency;
  }

  complain(what: string): void {
    this.world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** A client of the registries, as a process has it. */
  discovery(env: SimEnv): Discovery {
    const places = Array.from({ length: this.plan.registries }, (_, i) => `memory:registry-${i}`);
    return registryAt(`registry+${places.join(",")}`, { transports: [this.network] }, env);
  }
}
