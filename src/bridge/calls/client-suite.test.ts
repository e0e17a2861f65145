import { suite, test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { memory } from "../../broker/memory/index.ts";
import { clientCases } from "../../call/client-suite.ts";
import { overBroker } from "./testing/subject.ts";

suite("calls over a broker in memory", () => {
  let places = 0;
  const make = memory();
  const subject = overBroker(
    (address, env) => make.open(address, { name: "suite" }, env),
    () => `memory:calls-${++places}`,
    () => new VirtualEnv(),
  );
  for (const { name, run } of clientCases(subject)) test(name, { timeout: 60_000 }, run);
});
