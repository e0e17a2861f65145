import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { membersOf } from "../../call/compile.ts";
import { LoadGate } from "../../call/load/load-gate.ts";
import { call } from "../../contract/call.ts";
import { contract } from "../../contract/contract.ts";
import type { Caller } from "../../protocol/protocol.ts";
import { Attempt } from "../../protocol/attempt.ts";
import { Incoming } from "../../protocol/incoming.ts";
import { Forwarded } from "./forwarded.ts";

const Echo = contract("echo", { version: "1.0.0" }, { say: call() });

test("what is handed on needs room like what is served, and makes room again", async () => {
  const env = new VirtualEnv();
  const gate = new LoadGate({ limitMax: 1, limitMin: 1, queueMax: 0 }, env);
  const [member] = membersOf(Echo);
  const answer = Promise.withResolvers<undefined>();
  const caller = { call: () => answer.promise } as unknown as Caller;
  const options = { interceptors: [], checkSent: false, gate };
  const incoming = (): Incoming =>
    new Incoming(
      { address: "memory:a", sameHost: true },
      Infinity,
      Infinity,
      undefined,
      undefined,
      {},
      0,
    );
  const attempt = new Attempt(Infinity, Infinity, {} as never, undefined, undefined);
  const forwarded = new Forwarded(member!, { direct: () => ({ caller, attempt }) }, options, env);
  const first = forwarded.handle(undefined, incoming());
  await Promise.resolve();
  const second = await forwarded.handle(undefined, incoming()).catch((error: unknown) => error);
  const { code, executed, gate: refusedBy } = second as Record<string, unknown>;
  deepEqual([code, executed, refusedBy], ["RESOURCE_EXHAUSTED", "no", "admission"]);
  answer.resolve(undefined);
  await first;
  equal(gate.stats().inFlight, 0);
  gate.close();
});
