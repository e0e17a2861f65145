import { equal, ok, throws } from "node:assert/strict";

import { seededRandom } from "../../base/random.ts";
import type { Case } from "./case.ts";
import { anySize, arrived, numbered, send, sendAll } from "./frames.ts";
import type { Stage } from "./stage.ts";
import type { Recorder } from "./recorder.ts";

const high = 64 * 1024;

/** Everything that may lie between two ends beside what the sender holds: buffers of the system, chunks that were read. */
const betweenBytesMax = 16 * 1024 * 1024;

export const backPressureCases: readonly Case[] = [
  {
    name: "a receiver that has paused makes the sender unwritable, and everything arrives when it resumes",
    play: async (stage) => {
      const { near, far } = await stage.pair({ outgoingBytesHigh: high });
      far.pause();
      const sent = await fill(stage, near);
      const drains = near.drains; // a slow path may have made room before it was full
      equal(far.frames.length, 0);
      far.resume();
      await near.until(() => near.drains > drains);
      ok(near.connection.writable);
      await arrived(far, sent);
    },
  },
  {
    name: "the one who accepted is held back as well",
    play: async (stage) => {
      const { near, far } = await stage.pair({}, { outgoingBytesHigh: high });
      near.pause();
      const sent = await fill(stage, far);
      near.resume();
      await arrived(near, sent);
    },
  },
  {
    name: "a receiver that has not opened yet makes the sender unwritable",
    play: async (stage) => {
      const accepted = Promise.withResolvers<Recorder["connection"]>();
      await stage.listen(accepted.resolve);
      const near = stage.recorder(await stage.dial({ outgoingBytesHigh: high })).open();
      const far = stage.recorder(await accepted.promise);
      const sent = await fill(stage, near);
      far.open();
      await arrived(far, sent);
    },
  },
  {
    name: "past the hard bound a claim is refused, and what was committed arrives",
    play: async (stage) => {
      const { near, far } = await stage.pair({
        outgoingBytesHigh: high,
        outgoingBytesMax: 4 * high,
      });
      far.pause();
      const sent = await fill(stage, near);
      for (let waiting = high; waiting <= 5 * high; waiting += 10_000) {
        const frame = numbered(sent.length, 10_000);
        try {
          send(near.connection, frame);
        } catch {
          break;
        }
        sent.push(frame);
      }
      throws(() => near.connection.claim(10_000), { code: "RESOURCE_EXHAUSTED", executed: "no" });
      far.resume();
      await arrived(far, sent);
      send(near.connection, numbered(0, 10_000));
    },
  },
  {
    name: "a pause in the middle of a batch holds back the rest of it",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const random = seededRandom(2);
      const sent = Array.from({ length: 2_000 }, (_, i) => numbered(i, anySize(random)));
      far.onFrame = () => {
        if (far.frames.length % 7 !== 0) return;
        far.pause();
        stage.env.yield(() => far.resume());
      };
      await sendAll(near, sent);
      await arrived(far, sent);
    },
  },
  {
    name: "a pause that is taken back within the same frame changes nothing",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 500 }, (_, i) => numbered(i, i));
      far.onFrame = () => {
        far.pause();
        far.resume();
      };
      await sendAll(near, sent);
      await arrived(far, sent);
    },
  },
  {
    name: "resuming delivers nothing from within resume",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 100 }, (_, i) => numbered(i, 100));
      far.onFrame = () => far.pause();
      for (const frame of sent) send(near.connection, frame);
      for (let count = 1; count <= sent.length; count++) {
        await far.until(() => far.frames.length === count);
        far.resume();
        equal(far.frames.length, count);
      }
      await arrived(far, sent);
    },
  },
  {
    name: "one that pauses at once is heard all the same, and gets what came meanwhile when it resumes",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      const sent = Array.from({ length: 100 }, (_, i) => numbered(i, 1_000));
      for (const frame of sent) send(far.connection, frame);
      near.pause();
      for (const frame of sent) send(near.connection, frame);
      await arrived(far, sent);
      const before = near.frames.length;
      for (let turns = 0; turns < 20; turns++) await stage.turn();
      equal(near.frames.length, before);
      near.resume();
      await arrived(near, sent);
    },
  },
  {
    name: "pausing one direction leaves the other one alone",
    play: async (stage) => {
      const { near, far } = await stage.pair({ outgoingBytesHigh: high });
      far.pause();
      const held = await fill(stage, near);
      const sent = Array.from({ length: 1_000 }, (_, i) => numbered(i, 1_000));
      await sendAll(far, sent);
      await arrived(near, sent);
      far.resume();
      await arrived(far, held);
    },
  },
];

/** Sends until the connection is not writable, which must be within a bound; returns what was sent. */
async function fill(stage: Stage, from: Recorder): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  const frameBytes = 10_000;
  while (from.connection.writable) {
    ok(sent.length * frameBytes < betweenBytesMax, "the sender notices that nobody reads");
    const frame = numbered(sent.length, frameBytes);
    send(from.connection, frame);
    sent.push(frame);
    // One after the other, so that what can be taken is taken.
    await stage.turn();
  }
  return sent;
}
