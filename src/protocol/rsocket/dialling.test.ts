import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { declare } from "../suite/declare.ts";
import type { FramePeer } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";
import { rsocket } from "./index.ts";

const { play } = FrameScene;

const answer = `00000001 2860 ${text("1")}`;
const rejected = `00000001 2c00 00000202 ${text('{"code":"UNAVAILABLE","executed":"no","reason":"leaving"}')}`;
const close = `00000000 2c00 00000102 ${text("the server is shutting down")}`;

test("while nobody listens the pauses between dials double, from 50 ms to a second, half of each by chance", () =>
  play(async (scene) => {
    const caller = scene.connect({ connectWaitMs: 20_000 });
    const failure = { code: "UNAVAILABLE", executed: "no" };
    await assert.rejects(caller.call(scene.operations.place, 0, scene.attempt(20_000)), failure);
    const pauses = scene.dials.slice(1).map((at, index) => at - scene.dials[index]!);
    for (const [index, pause] of pauses.entries()) {
      const longest = Math.min(1_000, 50 * 2 ** index);
      assert.ok(pause >= longest / 2 && pause <= longest + 8, `pause ${index}: ${pause} ms`);
    }
    assert.ok(pauses.length > 20);
  }));

test("nobody is dialled for nobody", () =>
  play(async (scene) => {
    const caller = scene.connect({ connectWaitMs: 100 });
    await assert.rejects(caller.call(scene.operations.place, 0, scene.attempt()));
    await sleep(scene.env, 2_000);
    const { length } = scene.dials;
    await sleep(scene.env, 60_000);
    assert.equal(scene.dials.length, length);
    assert.deepEqual([caller.state, scene.env.alarms], ["idle", 0]);
  }));

test("a call waits for a connection as long as connectWait and its deadline allow, whichever is less", () =>
  play(async (scene) => {
    const caller = scene.connect({ connectWaitMs: 2_000 });
    for (const [deadlineMs, waitMs] of [
      [10_000, 2_000],
      [300, 300],
    ] as const) {
      const begun = scene.env.now();
      const call = caller.call(scene.operations.place, 0, scene.attempt(deadlineMs));
      await assert.rejects(call, {
        code: "UNAVAILABLE",
        executed: "no",
        reason: "nobody listens under this name in this process",
      });
      const after = scene.env.now() - begun;
      assert.ok(after >= waitMs && after <= waitMs + 8, `${after} ms`);
    }
  }));

test("a failure says how often was dialled and for how long", () =>
  play(async (scene) => {
    const caller = scene.connect({ connectWaitMs: 400 });
    const error = await caller.call(scene.operations.place, 0, scene.attempt()).catch(String);
    assert.match(
      error as string,
      /^TrunklineError: UNAVAILABLE.*: nobody listens .*\.\n {2}executed: no · attempts: [3-6] in 40\d ms · listen first;/,
    );
  }));

test("what a further dial cannot mend is told at once, and the next call tries anew", async () => {
  const env = new VirtualEnv();
  const { place } = declare("orders", 1, { place: { kind: "call" } });
  let dials = 0;
  const refusing = {
    ...memory(new MemoryNames()),
    dial: async () => {
      dials++;
      throw systemError("PERMISSION_DENIED", "the socket belongs to root", { executed: "no" });
    },
  };
  const scene = new FrameScene();
  const caller = rsocket(refusing).connect(parseAddress("memory:a"), {}, env);
  for (let calls = 1; calls <= 3; calls++) {
    const begun = env.now();
    await assert.rejects(caller.call(place, 0, scene.attempt()), {
      code: "PERMISSION_DENIED",
      executed: "no",
      reason: "the socket belongs to root",
    });
    assert.ok(env.now() - begun < 100);
    await sleep(env, 1_000);
  }
  assert.equal(dials, 3);
  await caller.close();
  assert.equal(env.alarms, 0);
});

test("a foreign exception of a transport becomes UNAVAILABLE, with its cause", async () => {
  const env = new VirtualEnv();
  const { place } = declare("orders", 1, { place: { kind: "call" } });
  const cause = new Error("ENETDOWN");
  const broken = { ...memory(new MemoryNames()), dial: () => Promise.reject(cause) };
  const caller = rsocket(broken).connect(parseAddress("memory:a"), { connectWaitMs: 100 }, env);
  const call = caller.call(place, 0, new FrameScene().attempt());
  await assert.rejects(call, { code: "UNAVAILABLE", executed: "no", reason: "ENETDOWN" });
  await caller.close();
});

test("a caller that is closed while it dials lets the connection go that comes of it", async () => {
  const env = new VirtualEnv();
  const names = memory(new MemoryNames());
  const { place } = declare("orders", 1, { place: { kind: "call" } });
  const dialled = Promise.withResolvers<void>();
  const closings: string[] = [];
  const stop = await names.listen(
    parseAddress("memory:a"),
    (connection) =>
      connection.open({
        frame: () => assert.fail("nothing is sent"),
        drain: () => {},
        ended: () => {},
        closed: ({ kind }) => closings.push(kind),
      }),
    {},
    env,
  );
  const slow: typeof names = {
    ...names,
    dial: async (...args) => {
      await dialled.promise;
      return names.dial(...args);
    },
  };
  const caller = rsocket(slow).connect(parseAddress("memory:a"), {}, env);
  const call = caller.call(place, 0, new FrameScene().attempt());
  const failed = assert.rejects(call, { code: "CANCELLED", executed: "no" });
  assert.equal(caller.state, "connecting");
  await caller.close();
  await failed;
  dialled.resolve();
  await sleep(env, 10);
  assert.deepEqual([closings, caller.state, env.alarms], [["lost"], "closed", 0]);
  await stop.close();
});

test("a refused SETUP fails what was sent behind it: it never ran, and the server says why", () =>
  play(async (scene) => {
    // Each is asked twice: first in our own form, then in the standard's.
    const refusals = ["00000001", "00000001", "00000002", "00000002", "00000003", "00000003"];
    await scene.listen((peer) => {
      const code = refusals.shift();
      if (code !== undefined) peer.send(`00000000 2c00 ${code} ${text("we are full")}`);
      else peer.send(answer);
      peer.connection.end();
    });
    const caller = scene.connect();
    for (let lives = 0; lives < 3; lives++) {
      const failure = { code: "UNAVAILABLE", executed: "no", reason: "we are full" };
      const call = caller.call(scene.operations.place, 0, scene.attempt());
      const items = scene.watch(caller);
      await Promise.all([assert.rejects(call, failure), assert.rejects(items.next(), failure)]);
    }
    assert.equal(await caller.call(scene.operations.place, 0, scene.attempt()), 1);
  }));

test("CONNECTION_ERROR ends everything under way, and perhaps it ran", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    server.send(`00000000 2c00 00000101 ${text("out of memory")}`);
    await assert.rejects(call, { code: "UNAVAILABLE", executed: "maybe", reason: /out of memory/ });
    await server.ending();
  }));

test("calls made while a broken connection closes wait for the next one", () =>
  play(async (scene) => {
    const peers: number[] = [];
    await scene.listen((peer) => {
      // The first one breaks off and never closes its side: for a second it stands half open.
      if (peers.push(0) === 1) peer.send(`00000000 2c00 00000101 ${text("enough")}`);
      else peer.send(answer);
    });
    const caller = scene.connect();
    await assert.rejects(caller.call(scene.operations.place, 0, scene.attempt()));
    assert.equal(await caller.call(scene.operations.place, 0, scene.attempt()), 1);
    assert.equal(peers.length, 2);
  }));

test("a connection that is lost each time is not dialled in a hurry", () =>
  play(async (scene) => {
    await scene.listen((peer) => peer.connection.destroy("go away"));
    const caller = scene.connect();
    const until = scene.env.now() + 10_000;
    while (scene.env.now() < until) {
      const call = caller.call(scene.operations.place, 0, scene.attempt());
      await assert.rejects(call, { code: "UNAVAILABLE" });
    }
    assert.ok(scene.dials.length < 60, `${scene.dials.length} dials in 10 s`);
  }));

test("a server that sends everybody away is not dialled in a hurry, and the call says so in the end", () =>
  play(async (scene) => {
    const meet = async (peer: FramePeer): Promise<void> => {
      await peer.next();
      peer.send(close);
      const request = await peer.next().catch(() => undefined);
      if (request !== undefined) peer.send(onStream(request.streamId, rejected));
      await peer.ending();
      peer.connection.end();
    };
    await scene.listen((peer) => void meet(peer));
    const caller = scene.connect();
    const begun = scene.env.now();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    await assert.rejects(call, { code: "UNAVAILABLE", executed: "no" });
    assert.ok(scene.env.now() - begun <= 10_010);
    assert.ok(scene.dials.length < 60, `${scene.dials.length} dials`);
  }));

test("a server that leaves is succeeded without a pause", () =>
  play(async (scene) => {
    let lives = 0;
    const meet = async (peer: FramePeer): Promise<void> => {
      const leaves = ++lives === 1;
      peer.send(answer);
      if (!leaves) return;
      await sleep(scene.env, 5_000);
      peer.send(close);
      await peer.ending();
      peer.connection.end();
    };
    await scene.listen((peer) => void meet(peer));
    const caller = scene.connect();
    assert.equal(await caller.call(scene.operations.place, 0, scene.attempt()), 1);
    await sleep(scene.env, 6_000);
    const begun = scene.env.now();
    assert.equal(await caller.call(scene.operations.place, 0, scene.attempt()), 1);
    assert.equal(scene.env.now(), begun);
    assert.equal(lives, 2);
  }));

test("who has others to go to is refused with the first dial that fails, and while the caller backs off", () =>
  play(async (scene) => {
    const caller = scene.connect({ failFast: true });
    const refusal = { code: "UNAVAILABLE", executed: "no", reason: /^nobody listens/ };
    const ask = (): Promise<unknown> => caller.call(scene.operations.place, 0, scene.attempt());
    const begun = scene.env.now();
    await Promise.all([assert.rejects(ask(), refusal), assert.rejects(ask(), refusal)]);
    assert.equal(caller.state, "waiting");
    await assert.rejects(ask(), refusal);
    assert.deepEqual([scene.env.now() - begun, scene.dials.length], [0, 1]);
    await scene.serve();
    scene.services.answer(scene.operations.place, () => 1);
    await sleep(scene.env, 60);
    assert.equal(await ask(), 1);
    assert.equal(scene.dials.length, 2);
  }));

test("who has others to go to does not wait for a server that breaks off each time either", () =>
  play(async (scene) => {
    await scene.listen((peer) => peer.connection.destroy("go away"));
    const caller = scene.connect({ failFast: true });
    const begun = scene.env.now();
    const failure = { code: "UNAVAILABLE" };
    await assert.rejects(caller.call(scene.operations.place, 0, scene.attempt()), failure);
    await assert.rejects(caller.call(scene.operations.place, 0, scene.attempt()), {
      ...failure,
      executed: "no",
    });
    assert.ok(scene.env.now() - begun < 10);
  }));

test("a failed attempt says which process it reached, and one that was not sent reached none", () =>
  play(async (scene) => {
    await scene.serve();
    const failing = systemError("UNAVAILABLE", "not now", { executed: "maybe" });
    scene.services.answer(scene.operations.place, () => Promise.reject(failing));
    const caller = scene.connect();
    const attempt = scene.attempt();
    await assert.rejects(caller.call(scene.operations.place, 0, attempt), { executed: "maybe" });
    assert.deepEqual([attempt.reachedBoot, caller.bootId], ["b-1", "b-1"]);
    await caller.close();
    const late = scene.attempt();
    await assert.rejects(caller.call(scene.operations.place, 0, late), { code: "CANCELLED" });
    assert.deepEqual([late.reachedBoot, caller.bootId], [undefined, undefined]);
  }));

test("a connection that is too old is succeeded, and no call notices", () =>
  play(async (scene) => {
    const server = await scene.serve();
    let slow: (() => void) | undefined;
    scene.services.answer(scene.operations.place, (input) =>
      input === "slow" ? new Promise<void>((resolve) => (slow = resolve)) : input,
    );
    const caller = scene.connect({ maxAgeMs: 60_000 });
    const ask = (input: unknown, deadlineMs?: number): Promise<unknown> =>
      caller.call(scene.operations.place, input, scene.attempt(deadlineMs));
    const slowest = ask("slow", 1_000_000);
    for (let second = 0; second < 600; second++) {
      assert.equal(await ask(second), second);
      assert.equal(caller.state, "ready");
      await sleep(scene.env, 1_000);
    }
    const ages = scene.dials.slice(1).map((at, index) => at - scene.dials[index]!);
    assert.ok(ages.length >= 7, `${ages.length} successors`);
    for (const age of ages) assert.ok(age >= 54_000 && age <= 71_010, `${age} ms`);
    assert.equal(server.connections, 2, "the current one, and the first, which has a call");
    slow!();
    await slowest;
    await scene.turns(20);
    assert.equal(server.connections, 1);
  }));

test("connections that were made at one moment do not all end at one moment", () =>
  play(async (scene) => {
    await scene.serve();
    scene.services.answer(scene.operations.place, () => 1);
    const callers = Array.from({ length: 100 }, () => scene.connect());
    await Promise.all(
      callers.map((caller) => caller.call(scene.operations.place, 0, scene.attempt())),
    );
    await sleep(scene.env, 40 * 60_000);
    const successors = scene.dials.slice(100);
    assert.equal(successors.length, 100);
    assert.ok(successors.every((at) => at >= 27 * 60_000 && at <= 33 * 60_000 + 6_000));
    assert.ok(mostWithin(successors, 60_000) <= 40, `${mostWithin(successors, 60_000)} a minute`);
  }));

test("old connections that do not end stop the succession", () =>
  play(async (scene) => {
    const server = await scene.serve();
    scene.services.produce(scene.operations.watch, async (_input, incoming, sink) => {
      while (!sink.closed) {
        await sink.whenReady();
        if (!sink.closed) sink.put(incoming.receivedAt);
      }
    });
    const caller = scene.connect({ maxAgeMs: 10_000 });
    const streams: AsyncIterator<unknown>[] = [];
    for (let lives = 0; lives < 10; lives++) {
      const stream = scene.watch(caller);
      streams.push(stream);
      await stream.next();
      await sleep(scene.env, 20_000);
    }
    assert.equal(server.connections, 5);
    for (const stream of streams) await stream.return?.();
    await sleep(scene.env, 20_000);
    assert.equal(server.connections, 1);
  }));

test("who serves its server keeps its connection, however old", () =>
  play(async (scene) => {
    await scene.serve();
    scene.services.answer(scene.operations.place, () => 1);
    const caller = scene.connect({ dispatcher: scene.services });
    await caller.call(scene.operations.place, 0, scene.attempt());
    await sleep(scene.env, 3 * 60 * 60_000);
    assert.equal(scene.dials.length, 1);
  }));

test("the clients of a server that comes back do not come all at once", () =>
  play(async (scene) => {
    const came: number[] = [];
    scene.services.answer(scene.operations.place, () => came.push(scene.env.now()));
    const server = await scene.serve();
    const callers = Array.from({ length: 100 }, () => scene.connect({ connectWaitMs: 10_000 }));
    const ask = (): Promise<unknown> =>
      Promise.all(callers.map((caller) => caller.call(scene.operations.place, 0, scene.attempt())));
    await ask();
    await server.drain(0);
    await sleep(scene.env, 5_000);
    const asked = ask();
    await sleep(scene.env, 5_000);
    await scene.serve();
    await asked;
    const back = came.slice(100);
    assert.equal(back.length, 100);
    assert.ok(mostWithin(back, 100) <= 40, `${mostWithin(back, 100)} within 100 ms`);
  }));

/** How many of these instants lie within a time of so many milliseconds, at most. */
function mostWithin(instants: readonly number[], ms: number): number {
  return Math.max(
    ...instants.map((from) => instants.filter((at) => at >= from && at < from + ms).length),
  );
}

test("bounds that nobody could keep are refused when the caller is made", () => {
  const protocol = rsocket(memory(new MemoryNames()));
  const wrong = [
    { connectWaitMs: -1 },
    { connectWaitMs: NaN },
    { maxAgeMs: 0 },
    { outstandingMax: 0 },
    { itemBytesMax: -1 },
    { itemBytesMax: 2 ** 29 },
    { keepaliveMs: 0 },
    { keepaliveMs: 0.5 },
    { lifetimeMs: 2 ** 31 },
    { lifetimeMs: NaN },
    { keepaliveMs: 1_000, lifetimeMs: 500 },
  ];
  for (const options of wrong) {
    assert.throws(
      () => protocol.connect(parseAddress("memory:a"), options, new VirtualEnv()),
      { code: "INVALID_ARGUMENT", executed: "no" },
      JSON.stringify(options),
    );
  }
});

test("bounds that no server could keep are refused before it listens", async () => {
  const protocol = rsocket(memory(new MemoryNames()));
  const env = new VirtualEnv();
  const nobody = { find: () => undefined, list: () => [] };
  for (const options of [
    { inFlightMax: 0 },
    { itemBytesMax: 0.5 },
    { itemBytesMax: 2 ** 29 },
    { setupMs: 0 },
    { connectionsMax: 0 },
  ]) {
    await assert.rejects(
      protocol.serve(parseAddress("memory:a"), nobody, options, env),
      { code: "INVALID_ARGUMENT", executed: "no" },
      JSON.stringify(options),
    );
  }
  await (await protocol.serve(parseAddress("memory:a"), nobody, {}, env)).drain(0);
});

test("an introduction that fits into no frame fails the calls, and not the process", () =>
  play(async (scene) => {
    const members = Array.from({ length: 20_000 }, (_, index) => [
      `operation${index}`,
      { kind: "call" },
    ]);
    const many = declare(
      "many",
      1,
      Object.fromEntries(members) as Record<string, { kind: "call" }>,
    );
    await scene.listen();
    const caller = scene.connect({ itemBytesMax: 1_000, connectWaitMs: 200 });
    const call = caller.call(many["operation7"]!, 0, scene.attempt());
    await assert.rejects(call, { executed: "no" });
  }));
