import assert from "node:assert/strict";
import { test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseTraceparent } from "../../base/trace.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { Attempt } from "../attempt.ts";
import { declare } from "../suite/declare.ts";
import { Services } from "../suite/services.ts";
import { FramePeer } from "./frame-peer.ts";
import { text, traceparent } from "./frame-scene.ts";
import { rsocket } from "./index.ts";

const address = parseAddress("memory:clock");
const { place } = declare("orders", 1, { place: { kind: "call" } });
const host = { id: "h-1", offsetMs: 2 ** 32 - 1_500 };

/** A SETUP as our clients send it, with this data. */
function setup(data: string): string {
  return `00000000 0400 0001 0000 00001388 00003a98 1c${text("application/vnd.trunkline.v1")} 10${text("application/json")} ${text(data)}`;
}

function request(flags: string, time: string): string {
  return `00000001 1100 000021 0000 01 ${flags} ${time} ${"00".repeat(25)} 31`;
}

test("from the server's hello on a caller of the same host says instants, which hold however late they are read", async () => {
  const env = new VirtualEnv(1, host);
  const transport = memory(new MemoryNames());
  const services = new Services();
  services.answer(place, (_input, { exact, deadlineAt }) => [exact, deadlineAt]);
  const server = await rsocket(transport).serve(address, services, {}, env);
  const caller = rsocket(transport).connect(address, {}, env);
  const ask = (at: number): Promise<unknown> => {
    const attempt = new Attempt(at, Infinity, parseTraceparent(traceparent)!, undefined, undefined);
    return caller.call(place, 0, attempt);
  };
  assert.deepEqual(await ask(10_000.5), [false, 10_001], "the server has not said its clock yet");
  const [exact, deadlineAt] = (await ask(10_000.5)) as [boolean, number];
  assert.ok(exact && Math.abs(deadlineAt - 10_000.5) < 1, `${deadlineAt}`);
  await caller.close();
  await server.drain(0);
});

test("a request that was over before it was read is refused, and did not run", async () => {
  const env = new VirtualEnv(1, host);
  const transport = memory(new MemoryNames());
  const services = new Services();
  services.answer(place, () => 1);
  const server = await rsocket(transport).serve(address, services, {}, env);
  const peer = await FramePeer.dial(transport, address, env);
  peer.send(setup('{"wire":1,"clock":"h-1","contracts":[["orders",1,"",["place"]]]}'));
  assert.equal(JSON.parse((await peer.next()).metadata.toString()).clock, "h-1");
  peer.send(request("01", "fffffb00")); // 220 ms after the process began
  env.stall(300);
  const { type, data } = await peer.next();
  assert.deepEqual([type, JSON.parse(data.toString()).code], ["ERROR", "DEADLINE_EXCEEDED"]);
  assert.equal(services.begun.length, 0);
  peer.connection.destroy("done");
  await server.drain(0);
});

test("instants of a clock that the process does not have are malformed", async () => {
  const env = new VirtualEnv();
  const transport = memory(new MemoryNames());
  const services = new Services();
  services.answer(place, () => 1);
  const server = await rsocket(transport).serve(address, services, {}, env);
  const peer = await FramePeer.dial(transport, address, env);
  peer.send(setup('{"wire":1,"clock":"h-1","contracts":[["orders",1,"",["place"]]]}'));
  assert.equal("clock" in JSON.parse((await peer.next()).metadata.toString()), false);
  peer.send(request("01", "000003e8"));
  assert.equal(JSON.parse((await peer.next()).data.toString()).code, "INVALID_ARGUMENT");
  assert.equal(services.begun.length, 0);
  peer.connection.destroy("done");
  await server.drain(0);
});
