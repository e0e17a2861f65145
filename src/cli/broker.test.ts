import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { realEnv } from "../base/real-env.ts";
import { openBroker } from "../chassis/broker-at.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

test("a broker is run, used by its address, and Ctrl-C ends it though somebody consumes", async () => {
  const lines: string[] = [];
  const printed = Promise.withResolvers<void>();
  const interruption = new AbortController();
  const terminal: Terminal = {
    print: async (text) => {
      lines.push(String(text).trimEnd());
      printed.resolve();
    },
    tell: (text) => void lines.push(`! ${text}`),
    ...{ colours: false, interactive: false, live: false, columns: 80, typed: false },
    input: async function* input() {},
    interrupted: interruption.signal,
    env: realEnv(),
    version: "0.0.0",
  };
  const address = "memory:cli-broker";
  const ended = run(["broker", "--listen", address], terminal);
  await printed.promise;
  deepEqual(lines, [`broker at ${address}`]);
  await using broker = await openBroker(`broker+${address}`, { name: "test" }, realEnv());
  equal(broker.address, `broker+${address}`);
  await broker.replies({ name: undefined }, () => {});
  interruption.abort();
  equal(await ended, 0);
});
