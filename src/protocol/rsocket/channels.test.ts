import assert from "node:assert/strict";
import { test } from "node:test";
import { alarmAt } from "../../base/alarm.ts";
import type { TrunklineError } from "../../base/error.ts";
import { Flag } from "../../wire/frame-type.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import { all, as, giving } from "../suite/uploads.ts";
import type { Sink, Source } from "../protocol.ts";
import { failureOf } from "../suite/stage.ts";
import { numbers, puts } from "../suite/streams.ts";
import type { FramePeer, SeenFrame } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";

/*
 * Goal: the section "A channel" of docs/protocol.md, frame by frame, from both sides.
 */

const { play } = FrameScene;

const setup = `00000000 0400 0001 0000 00001388 00003a98 1c ${text("application/vnd.trunkline.v1")}
  10 ${text("application/json")} ${text(
    '{"wire":1,"contracts":[["files",1,"",["store","talk"]],["orders",1,"",["place"]]]}',
  )}`;

/** A request of a channel: credit, metadata of 33 bytes, the head. */
function channel(
  operation: "store" | "talk",
  credit: number,
  head: string,
  flags = "1d00",
): string {
  const index = operation === "store" ? "0000" : "0001";
  const fixed = `${index} 01 00 00002710 ${"00".repeat(25)}`;
  const initial = credit.toString(16).padStart(8, "0");
  return `00000001 ${flags} ${initial} 000021 ${fixed} ${text(head)}`;
}

const item = (value: unknown): string => `00000001 2820 ${text(JSON.stringify(value))}`;
const complete = "00000001 2840";
const cancel = "00000001 2400";
const credit = (items: number): string => `00000001 2000 ${items.toString(16).padStart(8, "0")}`;

/** What a frame says, in short. */
function said({ type, flags, requestN, data }: SeenFrame): string {
  const next = (flags & Flag.NEXT) === 0 ? "" : "N";
  const end = (flags & Flag.COMPLETE) === 0 ? "" : "C";
  if (type === "REQUEST_N") return `${type} ${requestN}`;
  return `${type}${next === "" && end === "" ? "" : `[${next}${end}]`} ${data.toString()}`.trim();
}

async function saidNext(peer: FramePeer, count: number): Promise<string[]> {
  const words: string[] = [];
  while (words.length < count) words.push(said(await peer.next("METADATA_PUSH")));
  return words;
}

test("the server gives credit when its handler begins, and answers when the items are complete", () =>
  play(async (scene) => {
    const begins = Promise.withResolvers<void>();
    scene.services.take(scene.channels.store, async (head, items) => {
      await begins.promise;
      return [head, ...(await all(items))];
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, channel("store", 1, '"h"'));
    await scene.turns(10);
    assert.deepEqual(
      peer.frames.map(({ type }) => type),
      ["METADATA_PUSH"],
    );
    begins.resolve();
    assert.deepEqual(await saidNext(peer, 1), ["REQUEST_N 8"]);
    peer.send(item(1), item(2), complete);
    assert.deepEqual(await saidNext(peer, 1), ['PAYLOAD[NC] ["h",1,2]']);
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
  }));

test("an item and the end may come in one frame, and a request may say that there are no items", () =>
  play(async (scene) => {
    scene.services.take(scene.channels.store, (_head, items) => all(items));
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, channel("store", 1, "0"));
    assert.deepEqual(await saidNext(peer, 1), ["REQUEST_N 8"]);
    peer.send(`00000001 2860 ${text("7")}`);
    assert.deepEqual(await saidNext(peer, 1), ["PAYLOAD[NC] [7]"]);
    peer.send(onStream(3, channel("store", 1, "0", "1d40")));
    assert.deepEqual(await saidNext(peer, 2), ["REQUEST_N 8", "PAYLOAD[NC] []"]);
  }));

test("items before any credit, or beyond it, end the connection", async () => {
  const rows: { readonly opens: boolean; readonly items: number }[] = [
    { opens: false, items: 1 },
    { opens: true, items: 9 },
  ];
  for (const { opens, items } of rows) {
    await play(async (scene) => {
      const reading = Promise.withResolvers<unknown>();
      scene.services.take(scene.channels.store, (_head, source) => {
        if (opens) source.open(as);
        return reading.promise;
      });
      await scene.serve();
      const peer = await scene.dial();
      peer.send(setup, channel("store", 1, "0"));
      await scene.turns(5);
      peer.send(...numbers(items).map(item));
      const error = await peer.next("METADATA_PUSH", "REQUEST_N");
      assert.deepEqual([error.streamId, error.errorCode], [0, ErrorCode.CONNECTION_ERROR]);
      assert.match(error.data.toString(), /files\.store sent more items than it was granted/);
      peer.connection.end();
      await peer.closing();
      reading.resolve(0);
    });
  }
});

test("the caller's CANCEL, its ERROR, its half-closed and its lost connection cut its items short", async () => {
  const error = `00000001 2c00 00000201 ${text("the disk is full")}`;
  const ends: ((peer: FramePeer) => void)[] = [
    (peer) => peer.send(cancel),
    (peer) => peer.send(error),
    (peer) => peer.connection.end(),
    (peer) => peer.connection.destroy("gone"),
  ];
  for (const end of ends) {
    await play(async (scene) => {
      let ended: string | undefined;
      scene.services.take(scene.channels.store, async (_head, items) => {
        ended = await all(items).then(String, (failure: TrunklineError) => failure.code);
      });
      const server = await scene.serve();
      const peer = await scene.dial();
      peer.send(setup, channel("store", 1, "0"));
      assert.deepEqual(await saidNext(peer, 1), ["REQUEST_N 8"]);
      peer.send(item(1));
      end(peer);
      await scene.turns(10);
      assert.equal(ended, "CANCELLED");
      assert.equal(server.inFlight, 0);
    });
  }
});

test("an answer before the items are complete is preceded by CANCEL, and late items are ignored", () =>
  play(async (scene) => {
    scene.services.take(scene.channels.store, async (_head, items) => {
      return (await items.open(as).next()).value;
    });
    scene.services.answer(scene.operations.place, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, channel("store", 1, "0"));
    assert.deepEqual(await saidNext(peer, 1), ["REQUEST_N 8"]);
    peer.send(item(1));
    assert.deepEqual(await saidNext(peer, 2), ["CANCEL", "PAYLOAD[NC] 1"]);
    peer.send(item(2), complete, credit(3), cancel);
    const fixed = `0002 01 00 00002710 ${"00".repeat(25)}`;
    peer.send(`00000003 1100 000021 ${fixed} ${text("5")}`);
    assert.deepEqual(await saidNext(peer, 1), ["PAYLOAD[NC] 5"]);
  }));

test("a duplex heeds the credit of its request, and ends both ways with the server's items", () =>
  play(async (scene) => {
    scene.services.converse(scene.channels.talk, async (_head, items, _incoming, sink) => {
      items.open(as);
      await puts(sink, numbers(3));
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, channel("talk", 2, "0"));
    assert.deepEqual(await saidNext(peer, 3), ["REQUEST_N 8", "PAYLOAD[N] 0", "PAYLOAD[N] 1"]);
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
    peer.send(credit(1));
    assert.deepEqual(await saidNext(peer, 3), ["PAYLOAD[N] 2", "CANCEL", "PAYLOAD[C]"]);
  }));

test("an item that cannot be read is what the handler is told, and the caller is stopped", () =>
  play(async (scene) => {
    scene.services.take(scene.channels.store, async (_head, items) => {
      return (await failureOf(all(items))).code;
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, channel("store", 1, "0"));
    assert.deepEqual(await saidNext(peer, 1), ["REQUEST_N 8"]);
    peer.send(`00000001 2820 ${text("{")}`);
    assert.deepEqual(await saidNext(peer, 2), ["CANCEL", 'PAYLOAD[NC] "INVALID_ARGUMENT"']);
  }));

test("a client sends head and credit, waits, sends its items as they are taken, and ends", () =>
  play(async (scene) => {
    const { caller, peer: met } = await scene.call();
    const { store } = scene.channels;
    const upload = caller.upload(store, "h", giving(numbers(5)), scene.attempt(), {
      idleMs: Infinity,
    });
    const peer = await met();
    assert.equal((await peer.next()).type, "SETUP");
    const request = await peer.next();
    assert.deepEqual([request.type, request.requestN], ["REQUEST_CHANNEL", 1]);
    assert.equal(request.data.toString(), '"h"');
    await scene.turns(10);
    assert.equal(peer.frames.length, 0);
    peer.send(credit(2));
    assert.deepEqual(await saidNext(peer, 2), ["PAYLOAD[N] 0", "PAYLOAD[N] 1"]);
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
    peer.send(credit(9));
    assert.deepEqual(await saidNext(peer, 4), [
      "PAYLOAD[N] 2",
      "PAYLOAD[N] 3",
      "PAYLOAD[N] 4",
      "PAYLOAD[C]",
    ]);
    peer.send(`00000001 2860 ${text("[9]")}`);
    assert.deepEqual(await upload, [9]);
  }));

test("a client whose items are not wanted stops them, and still gets its answer", () =>
  play(async (scene) => {
    const { caller, peer: met } = await scene.call();
    const { store } = scene.channels;
    const upload = caller.upload(store, "h", giving(numbers(50)), scene.attempt(), {
      idleMs: Infinity,
    });
    const peer = await met();
    peer.send(credit(2));
    assert.equal((await saidNext(peer, 4)).at(-1), "PAYLOAD[N] 1");
    peer.send(cancel, credit(40));
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
    peer.send(`00000001 2860 ${text("2")}`);
    assert.equal(await upload, 2);
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
  }));

test("a client whose upload is answered early tells a server that did not stop it that there are no more items", () =>
  play(async (scene) => {
    const { caller, peer: met } = await scene.call();
    const { store } = scene.channels;
    const upload = caller.upload(store, "h", giving(numbers(50)), scene.attempt(), {
      idleMs: Infinity,
    });
    const peer = await met();
    peer.send(credit(1));
    assert.equal((await saidNext(peer, 3)).at(-1), "PAYLOAD[N] 0");
    peer.send(`00000001 2820 ${text("1")}`, complete);
    assert.equal(await upload, 1);
    assert.deepEqual(await saidNext(peer, 1), ["PAYLOAD[C]"]);
  }));

test("an upload of which items have left is not sent a second time, though the server that leaves refuses it", () =>
  play(async (scene) => {
    const { caller, peer: met } = await scene.call();
    const { store } = scene.channels;
    const upload = caller.upload(store, "h", giving(numbers(5)), scene.attempt(), {
      idleMs: Infinity,
    });
    const peer = await met();
    peer.send(credit(2));
    assert.equal((await saidNext(peer, 4)).at(-1), "PAYLOAD[N] 1");
    const refusal = '{"code":"UNAVAILABLE","executed":"no","reason":"not now"}';
    peer.send(
      `00000000 2c00 00000102 ${text("the server is shutting down")}`,
      `00000001 2c00 00000202 ${text(refusal)}`,
    );
    const error = await failureOf(upload);
    assert.deepEqual([error.code, error.executed], ["UNAVAILABLE", "no"]);
    assert.equal(scene.dials.length, 1);
  }));

test("a source is asked when there is credit, not before, and its sink closes when the upload is given up", () =>
  play(async (scene) => {
    const { caller, peer: met } = await scene.call();
    const asked: Sink[] = [];
    const attempt = scene.attempt();
    const source: Source = async (given) => {
      asked.push(given);
      await given.whenReady();
    };
    const upload = caller.upload(scene.channels.store, "h", source, attempt, { idleMs: Infinity });
    const failure = failureOf(upload);
    const peer = await met();
    await scene.turns(10);
    assert.equal(asked.length, 0);
    peer.send(credit(1));
    await scene.turns(2);
    attempt.cancel("caller");
    assert.deepEqual([asked[0]!.closed, (await failure).code], [true, "CANCELLED"]);
  }));

test("the time in which a peer gives no sign counts from the last item that it was sent", () =>
  play(async (scene) => {
    const { env } = scene;
    const { caller, peer: met } = await scene.call();
    const source: Source = async (sink) => {
      await new Promise<void>((resolve) => void alarmAt(env, env.now() + 60, resolve));
      sink.put(0);
      await sink.whenReady();
    };
    const upload = caller.upload(scene.channels.store, "h", source, scene.attempt(), {
      idleMs: 100,
    });
    const failure = failureOf(upload);
    const peer = await met();
    peer.send(credit(1));
    assert.equal((await saidNext(peer, 3)).at(-1), "PAYLOAD[N] 0");
    const sentAt = env.now();
    const { code, reason } = await failure;
    assert.deepEqual([code, reason], ["DEADLINE_EXCEEDED", "no sign of the peer for 100 ms"]);
    assert.ok(env.now() - sentAt <= 105, `${env.now() - sentAt} ms`);
  }));
