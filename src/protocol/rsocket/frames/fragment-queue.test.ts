import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { parseAddress } from "../../../transport/address.ts";
import { memory, MemoryNames } from "../../../transport/memory/memory.ts";
import type { Connection } from "../../../transport/transport.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import { Fragments } from "../../../wire/fragments.ts";
import { writeComplete } from "../../../wire/write.ts";
import { fragmentBytesMax, FragmentQueue, turnsMax } from "./fragment-queue.ts";
import { FramePeer } from "../frame-peer.ts";
import { Room } from "./room.ts";
import { StreamIds } from "./stream-ids.ts";

/** What a connection holds before it is full: two fragments. */
const outgoingBytesHigh = fragmentBytesMax + 1_024;

interface Scene {
  readonly queue: FragmentQueue;
  readonly connection: Connection;
  readonly peer: FramePeer;
  turns(count?: number): Promise<void>;
}

async function scene(
  play: (scene: Scene) => Promise<void>,
  outgoingBytesMax = 1e9,
  frameBytesMax = 1e9,
): Promise<void> {
  const env = new VirtualEnv();
  const transport = memory(new MemoryNames());
  const address = parseAddress("memory:queue");
  const met = Promise.withResolvers<FramePeer>();
  const stop = await FramePeer.listen(transport, address, env, met.resolve);
  const options = { until: Infinity, outgoingBytesHigh, outgoingBytesMax };
  const connection = await transport.dial(address, options, env);
  const room = new Room(connection, env, 1e9, { outstanding: 0 });
  const nothing = (): void => {};
  connection.open({
    frame: nothing,
    drain: () => room.wake(),
    ended: nothing,
    closed: () => room.close(),
  });
  const turns = async (count: number = 20): Promise<void> => {
    for (let left = count; left > 0; left--)
      await new Promise<void>((resolve) => env.yield(resolve));
  };
  const queue = new FragmentQueue(connection, room, new StreamIds("client"), frameBytesMax);
  await play({ queue, connection, peer: await met.promise, turns });
  connection.destroy("the end of the test");
  await stop();
}

/** An item of so many fragments; what becomes of it is told to `told`. */
function item(
  queue: FragmentQueue,
  streamId: number,
  fragments: number,
  told: string[] = [],
): void {
  const data = Buffer.alloc(fragments * fragmentBytesMax, streamId);
  queue.add(new Fragments(streamId, FrameType.PAYLOAD, Flag.NEXT, 0, undefined, data));
  queue.whenSettled(streamId, (sent) => void told.push(`${streamId} ${sent ? "sent" : "dropped"}`));
}

function request(streamId: number, bytes: number): Fragments {
  const metadata = Buffer.alloc(3, 0xaa);
  const data = Buffer.alloc(bytes, 0xdd);
  return new Fragments(streamId, FrameType.REQUEST_RESPONSE, 0, 0, metadata, data);
}

const idsOf = (peer: FramePeer): number[] => peer.frames.splice(0).map(({ streamId }) => streamId);

test("payloads take turns by fragment, and only while the connection has room", () =>
  scene(async ({ queue, peer, turns }) => {
    const told: string[] = [];
    peer.connection.pause();
    item(queue, 1, 3, told);
    item(queue, 3, 2, told);
    item(queue, 5, 1, told);
    await turns();
    equal(peer.frames.length, 0);
    peer.connection.resume();
    await turns();
    deepEqual(idsOf(peer), [1, 3, 5, 1, 3, 1]);
    deepEqual(told, ["5 sent", "3 sent", "1 sent"]);
    equal(queue.size, 0);
  }));

test("without room nothing is written", () =>
  scene(async ({ queue, connection, peer, turns }) => {
    peer.connection.pause();
    item(queue, 1, 9);
    await turns();
    equal(connection.writable, false);
    peer.connection.resume();
    await turns(1);
    equal(idsOf(peer).length, 2);
    await turns();
    equal(idsOf(peer).length, 7);
  }));

test("what is dropped sends no more, and the next takes its place", () =>
  scene(async ({ queue, peer, turns }) => {
    const told: string[] = [];
    peer.connection.pause();
    for (let n = 0; n < turnsMax + 2; n++) item(queue, 1 + 2 * n, 2, told);
    const last = 2 * turnsMax + 3;
    queue.drop(last - 2);
    queue.drop(1);
    queue.drop(1);
    deepEqual(told, [`${last - 2} dropped`, "1 dropped"]);
    deepEqual([queue.has(1), queue.has(3)], [false, true]);
    peer.connection.resume();
    await turns(60);
    const ids = idsOf(peer);
    equal(ids.length, 2 * turnsMax);
    deepEqual(ids.slice(0, turnsMax), [3, 5, 7, 9, 11, 13, 15, last]);
    equal(queue.size, 0);
  }));

test("no more than so many are under way at once: a further one begins when one of them has ended", () =>
  scene(async ({ queue, peer, turns }) => {
    for (let n = 0; n < 3 * turnsMax; n++) item(queue, 1 + 2 * n, 1 + (n % 3));
    await turns(300);
    const unfinished = new Set<number>();
    let most = 0;
    let whole = 0;
    for (const { streamId, flags } of peer.frames) {
      if ((flags & Flag.FOLLOWS) !== 0) unfinished.add(streamId);
      else whole += unfinished.delete(streamId) ? 1 : 1;
      most = Math.max(most, unfinished.size);
    }
    deepEqual([whole, unfinished.size], [3 * turnsMax, 0]);
    equal(most <= turnsMax, true, `${most} at once`);
  }));

test("a request begins at once, so that the ids stay in order; without room with nothing but its metadata", () =>
  scene(async ({ queue, peer, turns }) => {
    for (const id of [1, 3, 5]) queue.addRequest(request(id, fragmentBytesMax * 2));
    await turns(40);
    const frames = peer.frames.splice(0);
    deepEqual(
      frames.slice(0, 3).map(({ streamId, type, data }) => [streamId, type, data.length]),
      [
        [1, "REQUEST_RESPONSE", fragmentBytesMax - 3],
        [3, "REQUEST_RESPONSE", fragmentBytesMax - 3],
        [5, "REQUEST_RESPONSE", 0],
      ],
    );
    deepEqual(
      [1, 3, 5].map((id) =>
        frames.filter(({ streamId }) => streamId === id).reduce((sum, f) => sum + f.data.length, 0),
      ),
      Array(3).fill(fragmentBytesMax * 2),
    );
  }));

test("a request that fits one frame after all leaves nothing behind", () =>
  scene(async ({ queue, peer, turns }) => {
    queue.addRequest(request(1, 5));
    equal(queue.size, 0);
    await turns();
    equal(peer.frames[0]!.flags & Flag.FOLLOWS, 0);
    equal(queue.size, 0);
  }));

test("what belongs behind a payload goes after its last fragment, or not at all", () =>
  scene(async ({ queue, connection, peer, turns }) => {
    const told: string[] = [];
    const end = (streamId: number): void => {
      const at = connection.claim(6);
      connection.commit(writeComplete(connection.outgoing, at, streamId));
      told.push(`${streamId} ends`);
    };
    equal(
      queue.behind(1, () => end(1)),
      false,
      "there is nothing to wait for",
    );
    item(queue, 1, 2, told);
    item(queue, 3, 2, told);
    equal(
      queue.behind(1, () => item(queue, 1, 1, told)),
      true,
    );
    equal(
      queue.behind(3, () => end(3)),
      true,
    );
    await turns(1);
    queue.drop(3);
    await turns();
    deepEqual(told, ["3 dropped", "1 sent"], "told once, after what went behind it");
    deepEqual(idsOf(peer), [1, 3, 1, 1]);
    item(queue, 5, 1, told);
    queue.behind(5, () => end(5));
    await turns();
    deepEqual(told.slice(2), ["5 ends", "5 sent"]);
    deepEqual(
      peer.frames.map(({ data }) => data.length),
      [fragmentBytesMax, 0],
    );
  }));

test("an ordered request goes without a break; when it cannot, the peer is told to forget it", () =>
  scene(async ({ queue, peer, turns }) => {
    item(queue, 7, 2);
    queue.addOrdered(request(1, fragmentBytesMax * 3));
    await turns();
    deepEqual(idsOf(peer), [1, 1, 1, 1, 7, 7]);
    const large = request(3, fragmentBytesMax * 100);
    throws(() => queue.addOrdered(large), { code: "RESOURCE_EXHAUSTED", executed: "no" });
    await turns(40);
    const last = peer.frames.at(-1)!;
    deepEqual([last.type, last.streamId], ["CANCEL", 3]);
  }, fragmentBytesMax * 10));

test("smaller frames of a transport mean smaller fragments", () =>
  scene(
    async ({ queue, peer, turns }) => {
      queue.addRequest(request(1, 100));
      await turns(40);
      for (const { hex } of peer.frames) equal(hex.length / 2 <= 40, true);
      equal(
        peer.frames.reduce((sum, { data }) => sum + data.length, 0),
        100,
      );
    },
    1e9,
    40,
  ));

test("when the connection closes nothing is sent, and it is told", () =>
  scene(async ({ queue, connection, turns }) => {
    const told: string[] = [];
    item(queue, 1, 50, told);
    await turns(1);
    connection.destroy("cut");
    await turns();
    deepEqual(told, ["1 dropped"]);
    equal(queue.size, 0);
  }));
