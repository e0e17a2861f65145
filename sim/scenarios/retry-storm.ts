import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { call, chassis, client, contract, serve } from "trunkline";
import { SimNetwork, World } from "trunkline/testing";
import type { Outcome } from "./goal.ts";

/** How many times as many requests a tier may get as the one before it had. */
const amplificationMax = 1.25;

/** Requests a second. */
const rate = 400;

const tiers = ["front", "middle", "back"] as const;

const Tier = contract("tier", { version: "1.0.0" }, { get: call({ idempotent: true }) });

/** Three tiers, of which the last one fails half of what it gets: each may make the load of the next a little larger, not a multiple. */
export async function retryStorm(seed: number, short: boolean): Promise<Outcome[]> {
  const world = new World(seed);
  const network = new SimNetwork(world);
  network.latency = { minMs: 0.2, meanMs: 0.5 };
  const random = world.random("failing");
  const asked: Record<string, number> = { front: 0, middle: 0, back: 0 };
  const heard = (): void => {}; // what fails is part of the play: nobody needs to be warned
  subscribe("trunkline:incident", heard);
  return world.play(async () => {
    const apps = await Promise.all(
      tiers.map((name, index) => {
        const env = world.env(name);
        const next = tiers[index + 1];
        const options = { env, transports: [network] };
        const onward = next === undefined ? undefined : client(Tier, `memory:${next}`, options);
        return chassis({
          name,
          listen: `memory:${name}`,
          signals: false,
          ...options,
          serve: [
            serve(Tier, {
              get: async (_input, context) => {
                asked[name]!++;
                if (onward !== undefined) await onward.get();
                else if (random() < 0.5) throw context.refuse("UNAVAILABLE", "it fails");
              },
            }),
          ],
        });
      }),
    );
    const near = world.env("caller");
    const front = client(Tier, "memory:front", { env: near, transports: [network], retry: false });
    const calls: Promise<unknown>[] = [];
    const untilMs = short ? 20_000 : 120_000;
    while (world.now < untilMs) {
      await world.sleep(1_000 / rate);
      calls.push(front.get.result(undefined, { deadline: "2s" }));
    }
    await Promise.all(calls);
    await Promise.all(apps.map((app) => app.stop({ force: true })));
    unsubscribe("trunkline:incident", heard);
    const [first, second, third] = tiers.map((name) => asked[name]!);
    const measured = Math.max(second! / first!, third! / second!);
    const name = "retry storm of three tiers: load of a tier beside the one before";
    return [{ name, measured, bound: "≤", limit: amplificationMax, unit: "×" }];
  });
}
