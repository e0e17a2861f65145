import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Instance } from "./discovery.ts";
import { EndpointSet } from "./endpoint-set.ts";

/** What may happen to a set. */
type Step =
  | { readonly kind: "told"; readonly ids: readonly number[]; readonly draining: readonly number[] }
  | { readonly kind: "unavailable" }
  | { readonly kind: "health"; readonly id: number; readonly healthy: boolean }
  | { readonly kind: "pass"; readonly ms: number };

const id = fc.integer({ min: 0, max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("told" as const),
    ids: fc.uniqueArray(id, { maxLength: 8 }),
    draining: fc.uniqueArray(id, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("unavailable" as const) }),
  fc.record({ kind: fc.constant("health" as const), id, healthy: fc.boolean() }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 400_000 }) }),
);

function instanceOf(number: number, state: Instance["state"]): Instance {
  return {
    id: `i${number}`,
    bootId: `b${number}`,
    contracts: ["orders@1"],
    addresses: [`tcp://h${number}:1`],
    state,
  };
}

/** What is known of an instance, beside the set. */
interface Known {
  healthy: boolean | undefined;
  told: "ready" | "draining" | "absent";
}

class Model {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly set: EndpointSet = new EndpointSet({ service: "orders" }, this.env);
  readonly known: Map<string, Known> = new Map();
  #last: readonly Instance[] = [];
  #revision = 0;

  async play(next: Step): Promise<void> {
    const before = new Set(this.#usable());
    switch (next.kind) {
      case "told":
        await this.told(
          next.ids.map((each) =>
            instanceOf(each, next.draining.includes(each) ? "draining" : "ready"),
          ),
        );
        break;
      case "unavailable":
        this.set.apply({
          service: "orders",
          status: "unavailable",
          instances: this.#last,
          revision: ++this.#revision,
        });
        deepEqual(new Set(this.#usable()), before, "an outage changed the set");
        return;
      case "health":
        this.#health(`i${next.id}`, next.healthy);
        break;
      case "pass":
        await sleep(this.env, next.ms);
        break;
    }
    this.#check(before);
  }

  async told(instances: readonly Instance[]): Promise<void> {
    this.#last = instances;
    this.set.apply({ service: "orders", status: "ok", instances, revision: ++this.#revision });
    await sleep(this.env, 200);
    const now = new Map(instances.map((each) => [each.id, each.state as "ready" | "draining"]));
    for (const [key, known] of this.known) {
      if (now.has(key)) continue;
      // It said itself that it goes, or its failures did.
      if (known.told === "draining" || known.healthy === false) this.known.delete(key);
      else known.told = "absent";
    }
    for (const [key, state] of now)
      this.known.set(key, { healthy: this.known.get(key)?.healthy, told: state });
  }

  #health(key: string, healthy: boolean): void {
    this.set.health(key, healthy);
    const known = this.known.get(key);
    if (known === undefined) return;
    known.healthy = healthy;
    if (!healthy && known.told === "absent") this.known.delete(key);
  }

  #usable(): string[] {
    return this.set.members
      .filter(({ state }) => state !== "draining")
      .map(({ instance }) => instance.id);
  }

  #check(before: ReadonlySet<string>): void {
    const states = new Map(this.set.members.map((each) => [each.instance.id, each.state]));
    const lives = [...before].some((key) => {
      const known = this.known.get(key);
      return known !== undefined && known.told !== "draining" && known.healthy !== false;
    });
    for (const [key, { told, healthy }] of this.known) {
      if (told === "absent" && healthy === undefined) {
        // Only those may go by time; the model forgets them when they have.
        if (!states.has(key)) this.known.delete(key);
        continue;
      }
      deepEqual(states.get(key), told, `${key} is ${told}, healthy: ${healthy}`);
    }
    for (const key of states.keys()) ok(this.known.has(key), `${key} should have gone`);
    const alive = [...this.known].filter(([, { told }]) => told !== "draining");
    if (lives || alive.length > 0)
      ok(this.#usable().length > 0, "empty though a good endpoint lives");
  }
}

test("the set is never empty while a last good endpoint lives, members go only by the table, and it converges", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const model = new Model();
      for (const each of steps) await model.play(each);
      // The registry is well again, and whoever is not there fails: what is left is what it says.
      await model.told([instanceOf(0, "ready"), instanceOf(100, "ready")]);
      for (const { instance } of model.set.members)
        if (!["i0", "i100"].includes(instance.id)) model.set.health(instance.id, false);
      deepEqual(
        model.set.members.map(({ instance, state }) => `${instance.id} ${state}`).toSorted(),
        ["i0 ready", "i100 ready"],
      );
      model.set.close();
      deepEqual(model.env.alarms, 0);
    }),
    { numRuns: 300 },
  );
});
