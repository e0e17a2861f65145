import { SimNetwork, World } from "trunkline/testing";
import { Dice } from "../dice.ts";
import { Ledger } from "./ledger.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { ScriptedDiscovery } from "./scripted-discovery.ts";

/** What all nodes of one run share. */
export class Stage {
  readonly world: World;
  readonly network: SimNetwork;
  readonly plan: Plan;
  readonly dice: Dice;
  readonly ledger = new Ledger();
  readonly discovery = new ScriptedDiscovery();
  readonly violations: string[] = [];

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.dice = new Dice(this.world, "work");
    this.network = new SimNetwork(this.world);
    this.network.latency = this.plan.latency;
  }

  complain(what: string): void {
    this.world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }
}
