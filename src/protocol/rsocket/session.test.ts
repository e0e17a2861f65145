import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { streamIdMax } from "../../wire/limits.ts";
import { Attempt } from "../attempt.ts";
import { beginTrace } from "../../base/trace.ts";
import { PromisedCompletion } from "../completion.ts";
import { declare } from "../suite/declare.ts";
import { FramePeer } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";
import { PendingCall } from "./asking/pending-call.ts";
import { Session } from "./session.ts";

test("after the last stream id the numbers begin anew, and those in use are passed over", async () => {
  const env = new VirtualEnv();
  const transport = memory(new MemoryNames());
  const address = parseAddress("memory:ids");
  const met = Promise.withResolvers<FramePeer>();
  const stop = await FramePeer.listen(transport, address, env, met.resolve);
  const connection = await transport.dial(address, { until: Infinity }, env);
  const peer = await met.promise;
  const closed = Promise.withResolvers<void>();
  const owner = {
    draining: () => {},
    watched: () => {},
    closed: () => closed.resolve(),
    pushed: () => {},
    introduced: () => {},
    settled: () => {},
    refused: () => false,
  };
  const session = new Session(
    connection,
    owner,
    {
      role: "client",
      outstandingMax: 100,
      itemBytesMax: 1_000,
      frameBytesMax: 100_000,
      keepaliveMs: 10_000_000,
      lifetimeMs: 10_000_000,
      streamIdFirst: streamIdMax - 2,
    },
    env,
  );
  session.start();
  const { place } = declare("orders", 1, { place: { kind: "call" } });
  const home = {
    env,
    format: undefined,
    expired: () => {},
    left: () => {},
    elsewhere: () => false,
    resume: () => {},
  };
  const send = (): PromisedCompletion => {
    const attempt = new Attempt(Infinity, Infinity, beginTrace(env), undefined, undefined);
    const completion = new PromisedCompletion();
    session.send(new PendingCall(home, place, attempt, 0, 1_000, completion));
    return completion;
  };

  const busy = {
    takesPayloads: false,
    payload() {},
    tooLarge() {},
    failed() {},
    requested() {},
    cancelled() {},
    peerEnded() {},
    lost() {},
  };
  session.adopt(1, busy);
  const calls = Array.from({ length: 4 }, send);
  const ids: number[] = [];
  for (const _ of calls) ids.push((await peer.next("METADATA_PUSH")).streamId);
  assert.deepEqual(ids, [streamIdMax - 2, streamIdMax, 3, 5]);
  for (const id of ids) peer.send(onStream(id, answerFrame));
  await Promise.all(calls.map((call) => call.promise));
  session.release(1);

  session.finish();
  peer.connection.end();
  await closed.promise;
  await stop();
  assert.equal(env.alarms, 0);
});

const answerFrame = `00000001 2860 ${text("1")}`;

test("a connection numbers 65,535 operations; a contract that does not fit is refused and never left", () =>
  FrameScene.play(async (scene) => {
    const contract = (name: string, size: number): ReturnType<typeof declare> => {
      const members = Array.from({ length: size }, (_, index) => [`o${index}`, { kind: "call" }]);
      return declare(name, 1, Object.fromEntries(members) as Record<string, { kind: "call" }>);
    };
    const [large, small, late] = [
      contract("large", 65_000),
      contract("small", 600),
      contract("late", 536),
    ];
    const [first, last] = [large["o0"]!, large["o64999"]!];
    const { caller, peer } = await scene.call();
    const calls = [first, last].map((operation) => caller.call(operation, 0, scene.attempt()));
    const refusal = { code: "RESOURCE_EXHAUSTED", executed: "no" };
    const tooMany = assert.rejects(caller.call(small["o0"]!, 0, scene.attempt()), refusal);
    const server = await peer();
    assert.equal((await server.next()).type, "SETUP");
    for (const index of [0, 64_999]) {
      const request = await server.next();
      assert.equal(request.metadata.readUInt16BE(0), index);
      server.send(onStream(request.streamId, answerFrame));
    }
    await Promise.all(calls);
    await tooMany;
    await assert.rejects(caller.call(late["o0"]!, 0, scene.attempt()), refusal);
    const fits = contract("fits", 535);
    const call = caller.call(fits["o534"]!, 0, scene.attempt());
    assert.equal((await server.next()).type, "METADATA_PUSH");
    const request = await server.next();
    assert.equal(request.metadata.readUInt16BE(0), 65_534);
    server.send(onStream(request.streamId, answerFrame));
    await call;
  }));

test("signs of life that are asked for while we close do not cut off the answers that are still to come", () =>
  FrameScene.play(async (scene) => {
    const { caller, peer } = await scene.call();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    server.send(`00000000 2c00 00000102 ${text("leaving")}`);
    server.send(answerFrame);
    // By now the client has closed its side; what asks it for something is not answered, and harms nothing.
    server.send(
      `00000000 0c80 0000000000000000`,
      `00000002 1100 000000 31`,
      `00000000 0c80 0000000000000000`,
    );
    assert.equal(await call, 1);
    await server.ending();
    server.connection.end();
    assert.equal((await server.closing()).kind, "done");
  }));
