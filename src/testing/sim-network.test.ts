import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "../transport/address.ts";
import { numbered, send } from "../transport/suite/frames.ts";
import { Recorder } from "../transport/suite/recorder.ts";
import type { Connection } from "../transport/transport.ts";
import { World, type SimEnv } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

const place = parseAddress("memory:place");

class Scene {
  readonly world = new World(1);
  readonly network = new SimNetwork(this.world);
  readonly a: SimEnv = this.world.env("a");
  readonly b: SimEnv = this.world.env("b");

  constructor() {
    this.network.latency = { minMs: 1, meanMs: 5 };
  }

  dial(withinMs: number = 1_000): Promise<Connection> {
    return this.network.dial(place, { until: this.a.now() + withinMs }, this.a);
  }

  async join(): Promise<{ near: Recorder; far: Recorder }> {
    const accepted = Promise.withResolvers<Connection>();
    await this.network.listen(place, accepted.resolve, {}, this.b);
    const near = new Recorder(await this.dial()).open();
    return { near, far: new Recorder(await accepted.promise).open() };
  }
}

function play(story: (scene: Scene) => Promise<void>): () => Promise<void> {
  return () => {
    const scene = new Scene();
    return scene.world.play(() => story(scene));
  };
}

test(
  "frames take their time and keep their order",
  play(async (scene) => {
    const { near, far } = await scene.join();
    const begin = scene.world.now;
    const times: number[] = [];
    far.onFrame = () => void times.push(scene.world.now - begin);
    for (let i = 0; i < 100; i++) {
      send(near.connection, numbered(i, 10));
      await scene.world.sleep(1);
    }
    await far.until(() => far.frames.length === 100);
    deepEqual(
      far.frames,
      Array.from({ length: 100 }, (_, i) => numbered(i, 10)),
    );
    ok(times.every((time, i) => time >= i + 1));
  }),
);

test(
  "a partition holds frames back, in one direction or in both, and heals",
  play(async (scene) => {
    const { near, far } = await scene.join();
    scene.network.sever("a", "b");
    send(near.connection, numbered(1, 10));
    send(far.connection, numbered(2, 10));
    await near.until(() => near.frames.length === 1);
    await scene.world.sleep(10_000);
    equal(far.frames.length, 0);
    near.connection.destroy("enough");
    await scene.world.sleep(10_000);
    equal(far.closings.length, 0);
    scene.network.heal();
    await far.until(() => far.reason !== undefined);
    deepEqual([far.reason?.kind, near.reason?.kind], ["lost", "destroyed"]);
  }),
);

test(
  "a cut is told at both ends",
  play(async (scene) => {
    const { near, far } = await scene.join();
    scene.network.cut(scene.network.ends[0]!);
    send(near.connection, numbered(1, 10));
    await near.until(() => near.reason !== undefined);
    await far.until(() => far.reason !== undefined);
    deepEqual([near.reason?.kind, far.reason?.kind, far.frames], ["lost", "lost", []]);
    equal(scene.network.ends.length, 0);
  }),
);

test(
  "of a silent connection nobody is told",
  play(async (scene) => {
    const { near, far } = await scene.join();
    scene.network.silence(scene.network.ends.find((end) => end.dialled)!);
    send(near.connection, numbered(1, 10));
    near.connection.destroy("enough");
    await scene.world.sleep(100_000);
    deepEqual([far.frames, far.reason], [[], undefined]);
  }),
);

test(
  "a process that dies takes its connections along, a machine that dies says nothing",
  play(async (scene) => {
    const first = await scene.join();
    scene.network.crash(scene.b);
    await first.near.until(() => first.near.reason !== undefined);
    deepEqual(first.near.reason?.kind, "lost");
    await rejects(scene.dial(), { code: "UNAVAILABLE", reason: "nobody listens under this name" });

    const life = scene.world.env("b");
    const accepted = Promise.withResolvers<Connection>();
    await scene.network.listen(place, accepted.resolve, {}, life);
    const near = new Recorder(await scene.dial()).open();
    scene.network.crash(life, true);
    await rejects(scene.dial(), { code: "UNAVAILABLE", reason: "not connected in time" });
    await scene.world.sleep(100_000);
    equal(near.reason, undefined);
    equal(scene.a.alarms, 0);
  }),
);

test(
  "a slow reader takes its time, and makes the sender unwritable",
  play(async (scene) => {
    const { near, far } = await scene.join();
    scene.network.slow("b", 10);
    const begin = scene.world.now;
    for (let i = 0; i < 20; i++) send(near.connection, numbered(i, 100_000));
    equal(near.connection.writable, false);
    await far.until(() => far.frames.length === 20);
    ok(scene.world.now - begin >= 190_000);
    equal(near.drains, 1);
  }),
);

test(
  "a dial waits behind a partition as long as it may",
  play(async (scene) => {
    await scene.network.listen(place, (connection) => connection.destroy("no"), {}, scene.b);
    scene.network.sever("b", "a");
    await rejects(scene.dial(), { code: "UNAVAILABLE", reason: "not connected in time" });
    const waiting = scene.dial();
    await scene.world.sleep(500);
    scene.network.heal();
    await waiting;
    scene.network.dialFaults.refused = 1;
    await rejects(scene.dial(), { code: "UNAVAILABLE", reason: "refused" });
  }),
);

test(
  "the system accepts for a process that stands still",
  play(async (scene) => {
    const { world, network } = scene;
    let acceptedAt = 0;
    await network.listen(place, () => (acceptedAt = world.now), {}, scene.b);
    scene.b.pause(1_000);
    await scene.dial();
    ok(world.now < 500 && acceptedAt === 0);
    await world.sleep(1_000);
    ok(acceptedAt >= 1_000);
  }),
);
