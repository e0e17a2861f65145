import { equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";

import { z } from "zod";

import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { client } from "../chassis/client.ts";
import { contract } from "../contract/contract.ts";
import { stream } from "../contract/stream.ts";
import { sleep } from "../base/alarm.ts";
import { tickMs } from "../base/timer-wheel.ts";
import { World } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

const Ticks = contract(
  "ticks",
  { version: "1.0.0" },
  { at: stream({ in: z.array(z.number()), out: z.number() }) },
);

/** A server that gives an item at each of the times it is given, and then nothing more; and a client of it. */
async function scene(play: (items: Awaited<ReturnType<typeof stage>>) => Promise<void>) {
  const world = new World(1);
  await world.play(async () => play(await stage(world)));
}

async function stage(world: World) {
  const network = new SimNetwork(world);
  const [near, far] = [world.env("near"), world.env("far")];
  await chassis({
    name: "ticks",
    listen: "memory:ticks",
    serve: [
      serve(Ticks, {
        async *at(times, { signal }) {
          const begin = far.now();
          for (const time of times) {
            await sleep(far, begin + time - far.now());
            yield time;
          }
          await new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason as Error));
          });
        },
      }),
    ],
    signals: false,
    env: far,
    transports: [network],
  });
  const ticks = client(Ticks, "memory:ticks", { env: near, transports: [network] });
  return { world, ticks };
}

test("a stream that falls silent is given up after its idle time, counted from its last item", () =>
  scene(async ({ world, ticks }) => {
    const items = ticks.at([0, 90], { idle: 100 });
    equal((await items.next()).value, 0);
    equal((await items.next()).value, 90);
    const asked = world.now;
    await rejects(items.next(), { code: "DEADLINE_EXCEEDED", executed: "maybe" });
    const waited = world.now - asked;
    ok(waited >= 100 && waited <= 100 + tickMs, `${waited} ms`);
  }));

test("the time that a reader takes for an item is not the producer's", () =>
  scene(async ({ world, ticks }) => {
    const items = ticks.at([0, 10, 450], { idle: 100 });
    equal((await items.next()).value, 0);
    equal((await items.next()).value, 10);
    await world.sleep(400);
    equal((await items.next()).value, 450);
    await world.sleep(1_000);
    const asked = world.now;
    await rejects(items.next(), { code: "DEADLINE_EXCEEDED" });
    const waited = world.now - asked;
    ok(waited >= 100 && waited <= 100 + tickMs, `${waited} ms`);
  }));
