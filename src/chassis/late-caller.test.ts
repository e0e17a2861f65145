import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";

import { call, contract, stream } from "../contract/index.ts";
import type { AnyContract } from "../contract/contract.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { overProtocol } from "../call/client-suite.ts";
import { makeClient } from "../call/client.ts";
import type { Client } from "../call/client-type.ts";
import { serve } from "../call/serve.ts";
import type { Caller } from "../protocol/protocol.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { parseAddress } from "../transport/address.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import { LateCaller } from "./late-caller.ts";

const number = plainSchema<number>({ type: "number" });
const Counter = contract(
  "counter",
  { version: "1.0.0" },
  { double: call({ in: number, out: number }), upTo: stream({ in: number, out: number }) },
);

/** A client whose protocol is loaded by `load`, and a server that it finds when it is. */
async function lately(
  load: (connect: () => Caller) => Promise<Caller>,
  use: (client: Client<typeof Counter> & AsyncDisposable, caller: LateCaller) => Promise<void>,
): Promise<void> {
  const env = new VirtualEnv();
  const protocol = rsocket(memory(new MemoryNames()));
  const { serve: listen } = overProtocol(
    protocol,
    () => "memory:late",
    () => env,
  );
  const handlers = {
    double: (value: number) => value * 2,
    *upTo(last: number) {
      for (let value = 1; value <= last; value++) yield value;
    },
  };
  const serving = await listen([serve(Counter, handlers)], "memory:late", { checkSent: true }, env);
  const caller = new LateCaller("memory:late", () =>
    load(() => protocol.connect(parseAddress("memory:late"), {}, env)),
  );
  const terms = { env, deadlineMs: 10_000, checkSent: true, caller };
  const client = makeClient(Counter as AnyContract & typeof Counter, terms, () => caller.close());
  await use(client, caller);
  await client[Symbol.asyncDispose]();
  await serving.stop();
}

test("nothing is loaded before the first request, and only once", async () => {
  let loads = 0;
  await lately(
    async (connect) => {
      loads++;
      return connect();
    },
    async (client, caller) => {
      deepEqual([loads, caller.state], [0, "idle"]);
      const asked = client.double(2);
      equal(caller.state, "connecting");
      deepEqual(await Promise.all([asked, client.double(3)]), [4, 6]);
      deepEqual([loads, caller.state, caller.waiting], [1, "ready", 0]);
    },
  );
});

test("a stream begins when the protocol is there", async () => {
  await lately(
    async (connect) => connect(),
    async (client) => {
      const items: number[] = [];
      for await (const item of client.upTo(3)) items.push(item);
      deepEqual(items, [1, 2, 3]);
    },
  );
});

test("what cannot be loaded is told with what is missing, and tried again by the next request", async () => {
  let loads = 0;
  await lately(
    async (connect) => {
      if (loads++ === 0) throw new Error("Cannot find package 'undici'");
      return connect();
    },
    async (client, caller) => {
      await rejects(client.double(1), {
        code: "UNIMPLEMENTED",
        executed: "no",
        reason: "the protocol of memory:late cannot be loaded: Cannot find package 'undici'",
      });
      equal(caller.state, "idle");
      equal(await client.double(1), 2);
    },
  );
});

test("a client that is closed before its first request loads nothing", async () => {
  let loads = 0;
  await lately(
    async (connect) => {
      loads++;
      return connect();
    },
    async (client, caller) => {
      await client[Symbol.asyncDispose]();
      equal(caller.state, "closed");
      await rejects(client.double(1), { code: "CANCELLED", executed: "no" });
      equal(loads, 0);
    },
  );
});
