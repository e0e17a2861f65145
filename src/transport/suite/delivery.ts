import { deepEqual, equal, ok, throws } from "node:assert/strict";

import { seededRandom } from "../../base/random.ts";
import type { Case } from "./case.ts";
import { anySize, arrived, numbered, send, sendAll } from "./frames.ts";

export const deliveryCases: readonly Case[] = [
  {
    name: "ten thousand frames of all sizes arrive unchanged and in order, both ways at once",
    when: ({ ordered, reliable }) => ordered && reliable,
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const random = seededRandom(1);
      const there = Array.from({ length: 10_000 }, (_, i) => numbered(i, anySize(random)));
      const back = Array.from({ length: 10_000 }, (_, i) => numbered(~i, anySize(random)));
      await Promise.all([sendAll(near, there), sendAll(far, back)]);
      await Promise.all([arrived(far, there), arrived(near, back)]);
    },
  },
  {
    name: "a frame may have any size from nothing to the largest",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const { frameBytesMax } = stage.transport.capabilities;
      const around = [256, 65_536, 66_560, 1_048_576].flatMap((size) => [size - 1, size, size + 1]);
      const sizes = [0, 1, 2, 3, 4, 0, ...around, frameBytesMax].filter(
        (size) => size <= frameBytesMax,
      );
      const sent = sizes.map((size, index) => numbered(index, size));
      await sendAll(near, sent);
      await arrived(far, sent);
    },
  },
  {
    name: "a frame larger than the largest is refused before it is written, and the connection goes on",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const { frameBytesMax } = stage.transport.capabilities;
      throws(() => near.connection.claim(frameBytesMax + 1), {
        code: "RESOURCE_EXHAUSTED",
        executed: "no",
      });
      send(near.connection, numbered(0, 10));
      await arrived(far, [numbered(0, 10)]);
    },
  },
  {
    name: "a smaller bound for frames holds where it was asked for",
    play: async (stage) => {
      const { near, far } = await stage.pair({ frameBytesMax: 100 });
      throws(() => near.connection.claim(101), { code: "RESOURCE_EXHAUSTED", executed: "no" });
      send(near.connection, numbered(0, 100));
      await arrived(far, [numbered(0, 100)]);
    },
  },
  {
    name: "a frame larger than the receiver takes breaks the connection and is not delivered",
    play: async (stage) => {
      const { near, far } = await stage.pair({}, { frameBytesMax: 100 });
      for (const size of [100, 101, 5]) send(near.connection, numbered(size, size));
      await far.until(() => far.reason !== undefined);
      equal(far.reason?.kind, "broken");
      await arrived(far, [numbered(100, 100)]);
    },
  },
  {
    name: "a claim that is not committed is void",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      send(near.connection, numbered(0, 10));
      near.connection.claim(1_000);
      send(near.connection, numbered(1, 20));
      near.connection.claim(200_000);
      near.connection.claim(3);
      send(near.connection, numbered(2, 30));
      await arrived(far, [numbered(0, 10), numbered(1, 20), numbered(2, 30)]);
    },
  },
  {
    name: "a frame may be shorter than its claim",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = [numbered(0, 10), numbered(1, 0), numbered(2, 70_000), numbered(3, 10)];
      for (const frame of sent) {
        const at = near.connection.claim(frame.length * 3 + 7);
        near.connection.outgoing.set(frame, at);
        near.connection.commit(at + frame.length);
      }
      await arrived(far, sent);
    },
  },
  {
    name: "many frames of one turn arrive without a further one",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 5_000 }, (_, i) => numbered(i, i % 300));
      for (const frame of sent) send(near.connection, frame);
      await arrived(far, sent);
    },
  },
  {
    name: "nothing is delivered in the turn in which it was committed",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      for (let i = 0; i < 100; i++) send(near.connection, numbered(i, 50));
      equal(far.frames.length, 0);
      await far.until(() => far.frames.length === 100);
    },
  },
  {
    name: "what was sent before open is delivered after it",
    play: async (stage) => {
      const accepted = Promise.withResolvers<Parameters<typeof stage.recorder>[0]>();
      await stage.listen(accepted.resolve);
      const near = stage.recorder(await stage.dial());
      send(near.connection, numbered(0, 100));
      near.open();
      const far = stage.recorder(await accepted.promise);
      await stage.turn();
      send(far.connection, numbered(1, 100));
      far.open();
      await arrived(far, [numbered(0, 100)]);
      await arrived(near, [numbered(1, 100)]);
    },
  },
  {
    name: "answers may be sent from within frame",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const rounds = 500;
      far.onFrame = (frame) => send(far.connection, frame);
      near.onFrame = (frame) => {
        if (near.frames.length + 4 <= rounds) send(near.connection, frame);
      };
      const first = [0, 1, 2, 3].map((number) => numbered(number, 40));
      for (const frame of first) send(near.connection, frame);
      const sent = Array.from({ length: rounds }, (_, i) => first[i % 4]!);
      await arrived(far, sent);
      await arrived(near, sent);
    },
  },
  {
    name: "a frame is borrowed: what is sent meanwhile does not change it",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 200 }, (_, i) => numbered(i, 500));
      // The recorder copies after this.
      const keep = near.frame.bind(near);
      near.frame = (memory, from, to) => {
        for (const size of [100, 2_000]) send(near.connection, numbered(-1, size));
        keep(memory, from, to);
      };
      await sendAll(far, sent);
      await arrived(near, sent);
    },
  },
  {
    name: "both ends know the address and whether they are on one host",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      equal(near.connection.peer.address, stage.address.text);
      ok(far.connection.peer.address.length > 0);
      if (stage.transport.capabilities.crossHost) return;
      deepEqual([near.connection.peer.sameHost, far.connection.peer.sameHost], [true, true]);
    },
  },
];
