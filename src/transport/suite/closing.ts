import { deepEqual, equal, throws } from "node:assert/strict";

import type { Connection } from "../transport.ts";
import type { Case } from "./case.ts";
import { arrived, numbered, send } from "./frames.ts";
import type { Recorder } from "./recorder.ts";

export const closingCases: readonly Case[] = [
  {
    name: "the one who dialled may end first: what was committed arrives, and the other may still send",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      await halfClose(near, far);
    },
  },
  {
    name: "the one who accepted may end first: what was committed arrives, and the other may still send",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      await halfClose(far, near);
    },
  },
  {
    name: "both may end at once",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      for (const { connection } of [near, far]) {
        send(connection, numbered(1, 1_000));
        connection.end();
      }
      await bothClosed(near, far);
      deepEqual([near.reason?.kind, far.reason?.kind], ["done", "done"]);
      await arrived(near, [numbered(1, 1_000)]);
      await arrived(far, [numbered(1, 1_000)]);
    },
  },
  {
    name: "ending twice is ending once",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      near.connection.end();
      near.connection.end();
      await far.until(() => far.ends === 1);
      far.connection.end();
      far.connection.end();
      await bothClosed(near, far);
      deepEqual([near.ends, far.ends], [1, 1]);
    },
  },
  {
    name: "the end comes after the frames before it, also when they were held back",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 100 }, (_, i) => numbered(i, 100));
      far.onFrame = () => {
        far.pause();
        stage.env.yield(() => far.resume());
      };
      for (const frame of sent) send(near.connection, frame);
      near.connection.end();
      await far.until(() => far.ends === 1);
      await arrived(far, sent);
    },
  },
  {
    name: "what came before a pause is passed on, though both sides end meanwhile",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 100 }, (_, i) => numbered(i, 100));
      far.onFrame = () => {
        far.onFrame = undefined;
        far.pause();
        far.connection.end();
      };
      for (const frame of sent) send(near.connection, frame);
      near.connection.end();
      await near.until(() => near.ends === 1);
      for (let turns = 0; turns < 20; turns++) await stage.turn();
      far.resume();
      await bothClosed(near, far);
      await arrived(far, sent);
      deepEqual([far.ends, far.reason?.kind], [1, "done"]);
    },
  },
  {
    name: "after end a claim is refused with UNAVAILABLE",
    play: async (stage) => {
      const { near } = await stage.pair();
      near.connection.end();
      throws(() => near.connection.claim(10), { code: "UNAVAILABLE", executed: "no" });
    },
  },
  {
    name: "destroying by the one who dialled is told once at both ends",
    when: ({ noticesDeath }) => noticesDeath,
    play: async (stage) => {
      const { near, far } = await stage.pair();
      await destroyed(near, far);
    },
  },
  {
    name: "destroying by the one who accepted is told once at both ends",
    when: ({ noticesDeath }) => noticesDeath,
    play: async (stage) => {
      const { near, far } = await stage.pair();
      await destroyed(far, near);
    },
  },
  {
    name: "who answers to a destroyed connection learns that it is lost",
    when: ({ noticesDeath }) => !noticesDeath,
    play: async (stage) => {
      const { near, far } = await stage.pair();
      near.connection.destroy("enough");
      await far.until(() => far.ends > 0 || far.reason !== undefined);
      far.connection.end();
      await bothClosed(near, far);
    },
  },
  {
    name: "destroying twice is destroying once, and the first reason holds",
    play: async (stage) => {
      const { near } = await stage.pair();
      near.connection.destroy("first");
      near.connection.destroy("second");
      near.connection.end();
      near.connection.pause();
      near.connection.resume();
      await near.until(() => near.reason !== undefined);
      deepEqual(near.reason, { kind: "destroyed", message: "first" });
    },
  },
  {
    name: "destroying within a frame ends the batch there",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      far.onFrame = () => {
        if (far.frames.length === 3) far.connection.destroy("enough");
      };
      for (let i = 0; i < 10; i++) send(near.connection, numbered(i, 10));
      await far.until(() => far.reason !== undefined);
      await stage.turn();
      equal(far.frames.length, 3);
    },
  },
  {
    name: "a paused connection that is destroyed delivers nothing more",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      far.onFrame = () => far.pause();
      for (let i = 0; i < 10; i++) send(near.connection, numbered(i, 10));
      await far.until(() => far.frames.length === 1);
      far.resume();
      far.connection.destroy("enough");
      await far.until(() => far.reason !== undefined);
      await stage.turn();
      equal(far.frames.length, 1);
    },
  },
  {
    name: "after closing a claim is refused with UNAVAILABLE, however large",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      send(near.connection, numbered(0, 10));
      near.connection.destroy("enough");
      throws(() => near.connection.claim(10), { code: "UNAVAILABLE", executed: "no" });
      await far.until(() => far.ends > 0 || far.reason !== undefined);
      far.connection.destroy("enough");
      throws(() => far.connection.claim(200_000), { code: "UNAVAILABLE", executed: "no" });
    },
  },
  {
    name: "a connection that was destroyed before open tells it after open",
    play: async (stage) => {
      const accepted = Promise.withResolvers<Connection>();
      await stage.listen(accepted.resolve);
      const near = stage.recorder(await stage.dial());
      near.connection.destroy("enough");
      near.open();
      equal(near.reason, undefined, "never from within open");
      await near.until(() => near.reason !== undefined);
      const far = stage.recorder(await accepted.promise).open();
      await far.until(() => far.reason !== undefined || far.ends > 0);
    },
  },
];

async function halfClose(first: Recorder, second: Recorder): Promise<void> {
  const sent = Array.from({ length: 300 }, (_, i) => numbered(i, 1_000));
  for (const frame of sent) send(first.connection, frame);
  first.connection.end();
  await second.until(() => second.ends === 1);
  await arrived(second, sent);
  deepEqual(second.closings, []);
  for (const frame of sent) send(second.connection, frame);
  await arrived(first, sent);
  second.connection.end();
  await bothClosed(first, second);
  deepEqual([first.reason?.kind, second.reason?.kind], ["done", "done"]);
  deepEqual([first.ends, second.ends], [1, 1]);
}

async function destroyed(first: Recorder, other: Recorder): Promise<void> {
  first.connection.destroy("enough");
  equal(first.reason, undefined, "never from within destroy");
  await bothClosed(first, other);
  deepEqual(first.reason, { kind: "destroyed", message: "enough" });
  deepEqual([other.reason?.kind, other.ends], ["lost", 0]);
}

async function bothClosed(one: Recorder, other: Recorder): Promise<void> {
  await one.until(() => one.reason !== undefined);
  await other.until(() => other.reason !== undefined);
}
