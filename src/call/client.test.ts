import { suite, test } from "node:test";
import { VirtualEnv } from "../base/virtual-env.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { clientCases, overProtocol } from "./client-suite.ts";

suite("over memory, in virtual time", () => {
  let addresses = 0;
  const subject = overProtocol(
    rsocket(memory(new MemoryNames())),
    () => `memory:client-${++addresses}`,
    () => new VirtualEnv(),
  );
  for (const { name, run } of clientCases(subject)) test(name, { timeout: 60_000 }, run);
});
