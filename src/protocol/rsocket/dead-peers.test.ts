import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { tickMs } from "../../base/timer-wheel.ts";
import { whenCancelled } from "../suite/services.ts";
import type { FramePeer } from "./frame-peer.ts";
import { FrameScene, text } from "./frame-scene.ts";

const { play } = FrameScene;

const keepaliveMs = 1_000;
const lifetimeMs = 3_000;

/** A SETUP with these times, and one contract. */
const setup = `
  00000000 0400 0001 0000 000003e8 00000bb8
  1c ${text("application/vnd.trunkline.v1")} 10 ${text("application/json")}
  ${text('{"wire":1,"contracts":[["orders",1,"",["place","watch","seen"]]]}')}`;

const place = `00000001 1100 000021 000001 00 00002710 ${"00".repeat(25)} ${text("1")}`;
const heartbeat = `00000000 0c80 0000000000000000`;

/** Answers signs of life until the connection is closed. */
async function lives(peer: FramePeer): Promise<void> {
  while (peer.closedBy === undefined) {
    const frame = await peer.next().catch(() => undefined);
    if (frame?.type === "KEEPALIVE") peer.send(`00000000 0c00 0000000000000000`);
  }
}

test("a server that reads and never answers is dead after its lifetime, and everything under way is lost at once", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ keepaliveMs, lifetimeMs });
    const begun = scene.env.now();
    const call = caller.call(scene.operations.place, 0, scene.attempt(1_000_000));
    const items = scene.watch(caller, scene.attempt(1_000_000));
    const server = await peer();
    const lost = { code: "UNAVAILABLE", executed: "maybe", reason: /nothing came from the peer/ };
    await Promise.all([assert.rejects(call, lost), assert.rejects(items.next(), lost)]);
    const after = scene.env.now() - begun;
    assert.ok(after >= lifetimeMs && after <= lifetimeMs + keepaliveMs + tickMs, `${after} ms`);
    assert.equal((await server.closing()).kind, "lost");
    assert.equal(caller.state, "waiting");
  }));

test("a server that answers signs of life may take as long for an answer as the deadline allows", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ keepaliveMs, lifetimeMs, maxAgeMs: Infinity });
    const call = caller.call(scene.operations.place, 0, scene.attempt(10_000_000));
    const server = await peer();
    const living = lives(server);
    await sleep(scene.env, 3_600_000);
    assert.equal(caller.state, "ready");
    server.send(`00000001 2860 ${text('"at last"')}`);
    assert.equal(await call, "at last");
    await caller.close();
    server.connection.end();
    await living;
  }));

test("answers are signs of life too", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ keepaliveMs, lifetimeMs });
    const items = scene.watch(caller, scene.attempt(100_000));
    const server = await peer();
    for (let item = 0; item < 6; item++) {
      await sleep(scene.env, lifetimeMs - keepaliveMs);
      server.send(`00000001 2820 ${text(String(item))}`);
      assert.deepEqual(await items.next(), { done: false, value: item });
    }
    await items.return!();
  }));

test("a process that stood still does not take its peer for dead", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ keepaliveMs, lifetimeMs });
    const call = caller.call(scene.operations.place, 0, scene.attempt(10_000_000));
    const server = await peer();
    const living = lives(server);
    for (let stalls = 0; stalls < 3; stalls++) {
      scene.env.stall(60_000);
      await sleep(scene.env, 2 * keepaliveMs);
    }
    assert.equal(caller.state, "ready");
    server.send(`00000001 2860 ${text("1")}`);
    assert.equal(await call, 1);
    await caller.close();
    server.connection.end();
    await living;
  }));

test("a client that falls silent is dead after the lifetime that it named, and its handlers are told", () =>
  play(async (scene) => {
    const reason = Promise.withResolvers<string>();
    scene.services.answer(scene.operations.place, async (_input, incoming) => {
      reason.resolve(await whenCancelled(incoming));
    });
    const server = await scene.serve();
    const client = await scene.dial();
    const begun = scene.env.now();
    client.send(setup, place);
    assert.equal(await reason.promise, "peer");
    const after = scene.env.now() - begun;
    assert.ok(after >= lifetimeMs && after <= lifetimeMs + keepaliveMs + tickMs, `${after} ms`);
    await client.closing();
    assert.deepEqual([server.connections, server.inFlight], [0, 0]);
  }));

test("a client that gives signs of life stays, and each is answered with what it brought", () =>
  play(async (scene) => {
    const server = await scene.serve();
    const client = await scene.dial();
    client.send(setup);
    assert.equal((await client.next()).type, "METADATA_PUSH");
    for (let beats = 0; beats < 20; beats++) {
      await sleep(scene.env, keepaliveMs);
      client.send(`${heartbeat} ${text(`beat ${beats}`)}`);
      const echo = await client.next();
      assert.deepEqual(
        [echo.type, echo.flags, echo.data.toString()],
        ["KEEPALIVE", 0, `beat ${beats}`],
      );
    }
    assert.equal(server.connections, 1);
  }));

test("whoever connects and says nothing is cut off", () =>
  play(async (scene) => {
    const server = await scene.serve({ setupMs: 500 });
    const begun = scene.env.now();
    const client = await scene.dial();
    await client.closing();
    const after = scene.env.now() - begun;
    assert.ok(after >= 500 && after <= 1_000 + tickMs, `${after} ms`);
    assert.equal(server.connections, 0);
  }));

test("times of a SETUP that nobody could keep are moved to what can be kept", () =>
  play(async (scene) => {
    const server = await scene.serve();
    const client = await scene.dial();
    const begun = scene.env.now();
    client.send(setup.replace("000003e8 00000bb8", "00000001 00000001"));
    await client.closing();
    const after = scene.env.now() - begun;
    assert.ok(after >= 100 && after <= 200 + tickMs, `${after} ms`);
    const patient = await scene.dial();
    const second = scene.env.now();
    patient.send(setup.replace("000003e8 00000bb8", "7fffffff 7fffffff"));
    await patient.closing();
    const hours = (scene.env.now() - second) / 3_600_000;
    assert.ok(hours < 1, "a peer cannot keep a dead connection for days");
    assert.equal(server.connections, 0);
  }));

test("a server that does not close its side when we have closed ours is cut", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    server.send(`00000001 2860 ${text("1")}`);
    await call;
    const begun = scene.env.now();
    const closed = caller.close();
    await server.ending();
    await closed;
    assert.ok(scene.env.now() - begun <= 1_000 + tickMs);
    await server.closing();
  }));

test("a client that does not close its side when told that the server leaves is cut when the time is over", () =>
  play(async (scene) => {
    const server = await scene.serve();
    const client = await scene.dial();
    client.send(setup);
    await client.next();
    const begun = scene.env.now();
    assert.equal(await server.drain(700), 0);
    const after = scene.env.now() - begun;
    assert.ok(after >= 700 && after <= 700 + 2 * tickMs, `${after} ms`);
    await client.closing();
  }));
