import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { Flag } from "../../wire/frame-type.ts";
import { whenCancelled } from "../suite/services.ts";
import { failureOf, fails } from "../suite/stage.ts";
import type { FramePeer, SeenFrame } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";

/*
 * Goal: what docs/protocol.md says of fragments, as a peer sees it that sends them in its own way, sends too many, or
 * stops in the middle.
 */

const { play } = FrameScene;

const metadataType = `1c ${text("application/vnd.trunkline.v1")}`;
const dataType = `10 ${text("application/json")}`;
const introduction = text('{"wire":1,"contracts":[["orders",1,"",["place","watch","seen"]]]}');
const setup = `00000000 0400 0001 0000 00001388 00003a98 ${metadataType} ${dataType} ${introduction}`;

/** The first fragment of a request for `operation` with so much time left; its metadata is whole. */
function first(streamId: number, data: string, leftMs = 10_000, operation = 0): string {
  const type = operation === 0 ? "1180" : "1580";
  const left = leftMs.toString(16).padStart(8, "0");
  const fixed = `${operation.toString(16).padStart(4, "0")} 01 00 ${left} ${"00".repeat(25)}`;
  return onStream(streamId, `00000000 ${type} 000021 ${fixed} ${text(data)}`);
}

const more = (streamId: number, data: string): string =>
  onStream(streamId, `00000000 28a0 ${text(data)}`);
const last = (streamId: number, data: string): string =>
  onStream(streamId, `00000000 2820 ${text(data)}`);
const cancel = (streamId: number): string => onStream(streamId, "00000000 2400");

/** What the next frame says, in short. */
async function told(peer: FramePeer): Promise<string> {
  return short(await peer.next("METADATA_PUSH"));
}

function short({ type, streamId, flags, data }: SeenFrame): string {
  const follows = (flags & Flag.FOLLOWS) === 0 ? "" : " follows";
  if (type !== "ERROR") return `${type} ${streamId}${follows} ${data.toString().slice(0, 40)}`;
  const { code, executed } = JSON.parse(data.toString()) as Record<string, string>;
  return `ERROR ${streamId} ${code} ${executed}`;
}

suite("a server that is sent fragments", () => {
  test("takes metadata that is cut anywhere, and fragments without N", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      await scene.serve();
      const peer = await scene.dial();
      const fixed = `0000 01 00 00002710 ${"00".repeat(25)}`.replaceAll(" ", "");
      peer.send(
        setup,
        `00000001 1180 000005 ${fixed.slice(0, 10)}`,
        `00000001 2980 00001b ${fixed.slice(10, 64)}`,
        `00000001 2980 000001 ${fixed.slice(64)} ${text('"ket')}`,
        `00000001 2820 ${text('tle"')}`,
      );
      equal(await told(peer), 'PAYLOAD 1 "kettle"');
    }));

  test("takes those of several requests side by side, and whole ones in between", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      await scene.serve();
      const peer = await scene.dial();
      const whole = first(5, "5").replace("1180", "1100");
      peer.send(setup, first(1, "1"), first(3, "3"), whole, more(1, "1"), last(3, "3"));
      peer.send(last(1, "1"));
      deepEqual(
        [await told(peer), await told(peer), await told(peer)],
        ["PAYLOAD 5 5", "PAYLOAD 3 33", "PAYLOAD 1 111"],
      );
    }));

  test("refuses what becomes too large, ignores the rest of it, and serves on", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      scene.services.answer(scene.operations.seen, () => {});
      await scene.serve({ itemBytesMax: 10 });
      const peer = await scene.dial();
      const five = "12345";
      peer.send(setup, first(1, five), more(1, five), last(1, ""));
      equal(await told(peer), "PAYLOAD 1 1234512345", "as large as it may be");
      peer.send(first(3, five), more(3, five), more(3, "6"), more(3, five), last(3, "7"));
      equal(await told(peer), "ERROR 3 RESOURCE_EXHAUSTED no");
      peer.send(first(5, five, 10_000, 2), more(5, five), more(5, "6"), last(5, "7"));
      peer.send(first(7, "7"), last(7, ""));
      equal(await told(peer), "PAYLOAD 7 7", "nobody is told of a notification");
      equal(scene.services.begun.length, 2);
    }));

  test("counts requests of which fragments are missing among those in flight, and forgets those that are cancelled", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      await scene.serve({ inFlightMax: 3 });
      const peer = await scene.dial();
      peer.send(setup, first(1, "1"), first(3, "3"), first(5, "5"), first(7, "7"));
      equal(await told(peer), "ERROR 7 RESOURCE_EXHAUSTED no");
      peer.send(first(9, "9").replace("1180", "1100"));
      equal(await told(peer), "ERROR 9 RESOURCE_EXHAUSTED no");
      peer.send(cancel(1), last(1, "1"), first(11, "1"), last(11, "1"), last(3, "3"));
      equal(await told(peer), "PAYLOAD 11 11");
      equal(await told(peer), "PAYLOAD 3 33");
      equal(scene.services.begun.length, 2);
    }));

  test("holds a bounded number of bytes for a connection, whatever it is sent", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      await scene.serve({ itemBytesMax: 5_000_000 });
      const peer = await scene.dial();
      peer.send(setup);
      // Eighty megabytes are allowed; of each request a little less than may come of one.
      const head = Buffer.from(first(1, "").replaceAll(" ", ""), "hex");
      let refused = 0;
      for (let n = 0; n < 40; n++) {
        const frame = Buffer.concat([head, Buffer.alloc(4_000_000)]);
        frame.writeUInt32BE(2 * n + 1, 0);
        peer.send(frame);
        await scene.turns(4);
        refused = peer.frames.filter(({ type }) => type === "ERROR").length;
        equal(refused, Math.max(0, n - 18), `after ${n + 1}`);
      }
      equal(await told(peer), "ERROR 39 RESOURCE_EXHAUSTED no");
      peer.frames.splice(0);
      peer.send(cancel(1), first(101, "7"), last(101, "7"));
      equal(await told(peer), "PAYLOAD 101 77");
    }));

  test("counts the time of a request from its first fragment", () =>
    play(async (scene) => {
      const left: number[] = [];
      scene.services.answer(scene.operations.place, (_input, { deadlineAt }) => {
        left.push(Math.round(deadlineAt - scene.env.now()));
      });
      await scene.serve();
      const peer = await scene.dial();
      peer.send(setup, first(1, "1", 1_000), first(3, "3", 500));
      await sleep(scene.env, 600);
      peer.send(last(1, "1"), last(3, "3"));
      deepEqual([await told(peer), await told(peer)].toSorted(), [
        "ERROR 3 DEADLINE_EXCEEDED no",
        "PAYLOAD 1 ",
      ]);
      equal(left.length, 1);
      ok(left[0]! <= 400, `${left[0]} ms are left`);
    }));

  test("refuses a request whose fragments come while it drains, and a client that ends in the middle is let go", () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, (input) => input);
      const server = await scene.serve();
      const [peer, other] = [await scene.dial(), await scene.dial()];
      peer.send(setup, first(1, "1"));
      other.send(setup, first(1, "1"));
      await scene.turns(5);
      other.connection.end();
      await other.closing();
      const drained = server.drain(1_000);
      await scene.turns(5);
      peer.send(last(1, "1"), first(3, "3"));
      const close = await peer.next("METADATA_PUSH");
      deepEqual([close.type, close.streamId], ["ERROR", 0]);
      deepEqual(
        [await told(peer), await told(peer)],
        ["ERROR 1 UNAVAILABLE no", "ERROR 3 UNAVAILABLE no"],
      );
      peer.connection.end();
      equal(await drained, 0);
      equal(scene.services.begun.length, 0);
    }));

  test("ignores fragments of streams that never were, or take none", () =>
    play(async (scene) => {
      const end = Promise.withResolvers<void>();
      scene.services.answer(scene.operations.place, () => end.promise);
      await scene.serve({ inFlightMax: 2 });
      const peer = await scene.dial();
      peer.send(setup, more(9, "x"), last(9, "x"), first(1, "1"), last(1, "1"));
      await scene.turns(5);
      for (let n = 0; n < 100; n++) peer.send(more(1, "x".repeat(1_000)), more(9, "x"));
      peer.send(first(3, "3"), last(3, "3"));
      await scene.turns(5);
      end.resolve();
      deepEqual([await told(peer), await told(peer)], ["PAYLOAD 1 ", "PAYLOAD 3 "]);
    }));

  test("stops in the middle of an answer that is not wanted any more", () =>
    play(async (scene) => {
      const size = 4_000_000;
      scene.services.answer(scene.operations.place, () => "x".repeat(size));
      const server = await scene.serve();
      const peer = await scene.dial();
      peer.connection.pause();
      peer.send(setup, first(1, "1"), last(1, "1"));
      await scene.turns(60);
      equal(server.inFlight, 1, "an answer that has not left whole is under way");
      peer.send(cancel(1));
      peer.connection.resume();
      await scene.turns(60);
      equal(server.inFlight, 0);
      const bytes = peer.frames.reduce((sum, { data }) => sum + data.length, 0);
      ok(bytes < size / 2, `${bytes} bytes came`);
      peer.frames.splice(0);
      scene.services.answer(scene.operations.place, () => "y");
    }));
});

suite("a client that is sent fragments", () => {
  test("joins an answer, and items without N", () =>
    play(async (scene) => {
      const { caller, peer } = await scene.call();
      const call = caller.call(scene.operations.place, 0, scene.attempt());
      const server = await peer();
      const { streamId } = await server.next("SETUP");
      server.send(onStream(streamId, `00000000 2880 ${text('"ket')}`), more(streamId, "t"));
      server.send(onStream(streamId, `00000000 2860 ${text('le"')}`));
      equal(await call, "kettle");
      const stream = scene.watch(caller);
      const asked = await server.next();
      server.send(more(asked.streamId, "1"), last(asked.streamId, "2"), last(asked.streamId, "3"));
      server.send(more(asked.streamId, "4"), onStream(asked.streamId, "00000000 2860"));
      const items: unknown[] = [];
      for await (const item of stream) items.push(item);
      deepEqual(items, [12, 3, 4]);
    }));

  test("gives up an answer or an item that becomes too large, alone", () =>
    play(async (scene) => {
      const { caller, peer } = await scene.call({ itemBytesMax: 10 });
      const call = caller.call(scene.operations.place, 0, scene.attempt());
      const stream = scene.watch(caller);
      const other = caller.call(scene.operations.place, 0, scene.attempt());
      const server = await peer();
      const ids: number[] = [];
      for (let n = 0; n < 3; n++) ids.push((await server.next("SETUP")).streamId);
      const [answered, streamed, third] = ids as [number, number, number];
      for (const id of [answered, streamed]) server.send(more(id, "123456"), more(id, "123456"));
      const late = await fails(call, "RESOURCE_EXHAUSTED", "yes");
      ok(/takes more than the 10 bytes/.test(late.reason), late.reason);
      await fails(stream.next(), "RESOURCE_EXHAUSTED", "maybe");
      deepEqual(
        [await told(server), await told(server)],
        [`CANCEL ${answered} `, `CANCEL ${streamed} `],
      );
      for (const id of [answered, streamed]) server.send(more(id, "1"), last(id, "1"));
      server.send(onStream(third, `00000000 2860 ${text("7")}`));
      equal(await other, 7);
    }));
});

suite("a request that goes in fragments", () => {
  /** Three fragments and a bit. */
  const input = "x".repeat(200_000);

  test("goes whole up to 64 KiB, and not beyond", () =>
    play(async (scene) => {
      const { caller, peer } = await scene.call();
      const sizes = [65_536, 65_537];
      const notified = sizes.map((size) =>
        caller.notify(scene.operations.seen, Buffer.alloc(size), scene.attempt()),
      );
      await Promise.all(notified);
      const server = await peer();
      const frames = [await server.next("SETUP"), await server.next(), await server.next()];
      deepEqual(
        frames.map(({ type, streamId, flags, data }) => [
          `${type} ${streamId}`,
          (flags & Flag.FOLLOWS) !== 0,
          data.length,
        ]),
        [
          ["REQUEST_FNF 1", false, 65_536],
          ["REQUEST_FNF 3", true, 65_536 - 33],
          ["PAYLOAD 3", false, 34],
        ],
      );
    }));

  /** A client whose connection is full, and a request that has begun to leave. */
  async function stuck(
    scene: FrameScene,
    ask: (caller: Awaited<ReturnType<FrameScene["call"]>>["caller"]) => Promise<unknown>,
  ): Promise<{ server: FramePeer; asked: Promise<unknown> }> {
    const { caller, peer } = await scene.call();
    const before = caller.notify(scene.operations.seen, Buffer.alloc(1), scene.attempt());
    const server = await peer();
    await before;
    server.connection.pause();
    await scene.turns(3);
    const filling = Buffer.alloc(2_000_000);
    const attempt = scene.attempt();
    const filled = caller.notify(scene.operations.seen, filling, attempt);
    filled.catch(() => {});
    await scene.turns(40);
    const asked = ask(caller);
    asked.catch(() => {});
    await scene.turns(10);
    return { server, asked };
  }

  test("has not run when the connection is lost before all of it has left, of whatever kind", async () => {
    const kinds: ((scene: FrameScene) => Parameters<typeof stuck>[1])[] = [
      (scene) => (caller) => caller.call(scene.operations.place, input, scene.attempt()),
      (scene) => (caller) =>
        caller.notify(scene.operations.seen, Buffer.from(input), scene.attempt()),
      (scene) => (caller) =>
        caller
          .stream(scene.operations.watch, input, scene.attempt(), {
            idleMs: Infinity,
            accept: (item) => item,
            settled: (failure) => failure,
          })
          .next(),
    ];
    for (const kind of kinds) {
      await play(async (scene) => {
        const { server, asked } = await stuck(scene, kind(scene));
        server.connection.destroy("cut");
        await fails(asked, "UNAVAILABLE", "no");
      });
    }
  });

  test("has not run when its deadline passes, or it is given up, before all of it has left; the peer is told", () =>
    play(async (scene) => {
      const attempt = scene.attempt();
      const { server, asked } = await stuck(scene, (caller) =>
        Promise.allSettled([
          failureOf(caller.call(scene.operations.place, input, scene.attempt(1_000))),
          failureOf(caller.call(scene.operations.place, input, attempt)),
        ]),
      );
      attempt.cancel("caller");
      await sleep(scene.env, 2_000);
      const outcomes = (await asked) as PromiseFulfilledResult<Error & { executed: string }>[];
      deepEqual(
        outcomes.map(({ value }) => value.executed),
        ["no", "no"],
      );
      server.connection.resume();
      await scene.turns(100);
      const frames = server.frames.filter(({ streamId }) => streamId === 5 || streamId === 7);
      deepEqual(frames.map(short), [
        "REQUEST_RESPONSE 5 follows ",
        "REQUEST_RESPONSE 7 follows ",
        "CANCEL 7 ",
        "CANCEL 5 ",
      ]);
    }));

  test("may have run when the connection is lost after all of it has left", () =>
    play(async (scene) => {
      const { caller, peer } = await scene.call();
      const call = caller.call(scene.operations.place, input, scene.attempt());
      const server = await peer();
      let seen: SeenFrame;
      do seen = await server.next("SETUP");
      while ((seen.flags & Flag.FOLLOWS) !== 0);
      server.connection.destroy("cut");
      await fails(call, "UNAVAILABLE", "maybe");
    }));

  test("is taken elsewhere when a server that leaves refuses it in the middle", () =>
    play(async (scene) => {
      const peers: FramePeer[] = [];
      await scene.listen((peer) => peers.push(peer));
      const caller = scene.connect();
      const call = caller.call(scene.operations.place, input, scene.attempt());
      await scene.turns(2);
      const [old] = peers as [FramePeer];
      old.connection.pause();
      const refusal = text('{"code":"UNAVAILABLE","executed":"no","reason":"leaving"}');
      old.send(`00000000 2c00 00000102 ${text("leaving")}`, `00000001 2c00 00000202 ${refusal}`);
      await sleep(scene.env, 200);
      const next = peers[1]!;
      let seen: SeenFrame;
      let bytes = 0;
      do {
        seen = await next.next("SETUP");
        bytes += seen.data.length;
      } while ((seen.flags & Flag.FOLLOWS) !== 0);
      equal(bytes, input.length + 2);
      next.send(onStream(seen.streamId, `00000000 2860 ${text("7")}`));
      equal(await call, 7);
      old.connection.resume();
    }));

  test("is answered before its last fragment when it is refused, and sends no more", () =>
    play(async (scene) => {
      const { server, asked } = await stuck(scene, (caller) =>
        caller.call(scene.operations.place, input, scene.attempt()),
      );
      server.send(`00000005 2c00 00000202 ${text("not now")}`);
      await rejects(asked, { code: "UNAVAILABLE", executed: "no" });
      server.connection.resume();
      await scene.turns(100);
      const frames = server.frames.filter(({ streamId }) => streamId === 5);
      deepEqual(frames.map(short), ["REQUEST_RESPONSE 5 follows "]);
    }));
});

test("a stream that is left in the middle of an item sends no more of it, and its handler is told", () =>
  play(async (scene) => {
    const reason = Promise.withResolvers<string>();
    scene.services.produce(scene.operations.watch, async (_input, incoming, sink) => {
      sink.put("x".repeat(3_000_000));
      equal(sink.ready, false, "with an item unsent there is no place for the next, credit or not");
      reason.resolve(await whenCancelled(incoming));
    });
    const server = await scene.serve();
    const peer = await scene.dial();
    peer.connection.pause();
    const request = first(1, "1", 10_000, 1).replace("1580", `1900 00000008`);
    peer.send(setup, request);
    await scene.turns(40);
    peer.send(cancel(1));
    await scene.turns(5);
    peer.connection.resume();
    equal(await reason.promise, "caller");
    await scene.turns(40);
    equal(server.inFlight, 0);
    const bytes = peer.frames.reduce((sum, { data }) => sum + data.length, 0);
    ok(bytes < 1_500_000, `${bytes} bytes came`);
  }));
