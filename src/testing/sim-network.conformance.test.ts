import { test } from "node:test";

import { transportCases } from "../transport/suite.ts";
import { virtualEnv } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

let made = 0;
let env = virtualEnv();
let network = new SimNetwork(env.world);

const cases = transportCases({
  make: () => network,
  address: () => `memory:place-${made++}`,
  env: () => env,
  handles: () => network.ends.length + network.listeners.length,
});

for (const { name, run } of cases) {
  test(`simulated network: ${name}`, () => {
    env = virtualEnv(made);
    network = new SimNetwork(env.world);
    return env.world.play(run);
  });
}
