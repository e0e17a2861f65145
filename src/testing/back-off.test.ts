import { equal, rejects } from "node:assert/strict";
import { test } from "node:test";

import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { client, close } from "../chassis/client.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { sleep } from "../base/alarm.ts";
import { World } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

const Slow = contract("slow", { version: "1.0.0" }, { work: call() });

test("a connection that is lost while the next one is dialled sets no second alarm", async () => {
  const world = new World(1);
  const network = new SimNetwork(world);
  network.latency = { minMs: 1, meanMs: 1 };
  const [near, far] = [world.env("near"), world.env("far")];
  await world.play(async () => {
    const server = await chassis({
      name: "slow",
      listen: "memory:slow",
      serve: [serve(Slow, { work: () => sleep(far, 20_000) })],
      signals: false,
      env: far,
      transports: [network],
    });
    const slow = client(Slow, "memory:slow", { env: near, transports: [network] });
    const first = slow.work(undefined, { deadline: "30s" });
    await world.sleep(10_000); // a connection that has lasted
    void server.stop();
    await world.sleep(20); // the old connection only finishes what it has, and nobody listens
    network.cut(network.ends[0]!);
    const second = slow.work();
    await rejects(first, { code: "UNAVAILABLE", executed: "maybe" });
    await world.sleep(3); // the dial was refused
    const closed = close(slow);
    await rejects(second, { code: "CANCELLED", executed: "no" });
    await closed;
    equal(near.alarms, 0);
  });
});
