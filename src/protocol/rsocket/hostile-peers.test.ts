import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import { Flag } from "../../wire/frame-type.ts";
import { whenCancelled } from "../suite/services.ts";
import type { FramePeer } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";

/*
 * Goal: what docs/protocol.md says of bad frames, row by row: what is answered, what is ignored, what ends a connection.
 * The fuzz targets throw everything else at the same code.
 */

const { play } = FrameScene;

const metadataType = `1c ${text("application/vnd.trunkline.v1")}`;
const dataType = `10 ${text("application/json")}`;
const introduction = text('{"wire":1,"contracts":[["orders",1,"",["place","watch","seen"]]]}');
const setup = `00000000 0400 0001 0000 00001388 00003a98 ${metadataType} ${dataType} ${introduction}`;

/** A request for `operation`: metadata of 33 bytes without trace, and the JSON `1`. */
function request(streamId: number, type: string, operation: number, credit: string = ""): string {
  const fixed = `${operation.toString(16).padStart(4, "0")} 01 00 00002710 ${"00".repeat(25)}`;
  return onStream(streamId, `00000000 ${type} ${credit} 000021 ${fixed} ${text("1")}`);
}

const place = (streamId: number): string => request(streamId, "1100", 0);
const watch = (streamId: number, credit: string): string => request(streamId, "1900", 1, credit);

/** The server answers with this code on stream 0, and closes. */
async function refusesConnection(peer: FramePeer, code: number, words: RegExp): Promise<void> {
  const error = await peer.next("METADATA_PUSH", "PAYLOAD");
  assert.deepEqual([error.type, error.streamId], ["ERROR", 0]);
  assert.equal(error.errorCode, code);
  assert.match(error.data.toString(), words);
  await peer.ending();
  peer.connection.end();
  await peer.closing();
}

test("before the SETUP nothing but a good SETUP is heard", async () => {
  const rows: [frame: string, code: number, words: RegExp][] = [
    [place(1), ErrorCode.INVALID_SETUP, /first frame must be a SETUP/],
    ["00000000 0c80 0000000000000000", ErrorCode.INVALID_SETUP, /first frame must be a SETUP/],
    ["00000000 3100 7b7d", ErrorCode.INVALID_SETUP, /first frame must be a SETUP/],
    ["00000000", ErrorCode.INVALID_SETUP, /too short/],
    ["00000000 0400 0001", ErrorCode.INVALID_SETUP, /SETUP/],
    ["00000000 fa00 00", ErrorCode.INVALID_SETUP, /not known/],
    [setup.replace("0001 0000", "0002 0000"), ErrorCode.UNSUPPORTED_SETUP, /RSocket 2.x/],
    [setup.replace("1c 61", "1c 62"), ErrorCode.UNSUPPORTED_SETUP, /metadata of type/],
    [setup.replace(introduction, text("hello")), ErrorCode.INVALID_SETUP, /introduction/],
    [setup.replace("00001388", "00000000"), ErrorCode.INVALID_SETUP, /SETUP/],
    [
      setup.replace("0400 0001", "0480 0001").replace("00003a98", "00003a98 0001 aa"),
      ErrorCode.REJECTED_SETUP,
      /resumption/,
    ],
    [`00000000 3400 0001 0000 0001 aa ${"00".repeat(16)}`, ErrorCode.REJECTED_RESUME, /resumption/],
  ];
  for (const [frame, code, words] of rows) {
    await play(async (scene) => {
      const server = await scene.serve();
      const peer = await scene.dial();
      peer.send(frame);
      await refusesConnection(peer, code, words);
      await scene.turns(2);
      assert.equal(server.connections, 0);
    });
  }
});

test("what cannot be understood ends the connection with a sentence, and what was under way is given up", async () => {
  const rows: [frame: string, words: RegExp][] = [
    ["00000003 2000 00000000", /REQUEST_N: the credit must be/],
    ["00000003 1900 00000000 000000", /REQUEST_STREAM: the credit must be/],
    ["00000003 1100 0000ff 00", /the metadata ends/],
    ["00000003 2800", /neither NEXT nor COMPLETE/],
    ["00000000 f800 00", /not known/],
    ["80000003 2400", /reserved bit/],
    [place(4), /stream id 4/],
    ["0000 0000", /too short/],
  ];
  for (const [frame, words] of rows) {
    await play(async (scene) => {
      const reason = Promise.withResolvers<string>();
      scene.services.answer(scene.operations.place, async (_input, incoming) => {
        reason.resolve(await whenCancelled(incoming));
      });
      await scene.serve();
      const peer = await scene.dial();
      peer.send(setup, place(1));
      await scene.turns(5);
      peer.send(frame);
      await refusesConnection(peer, ErrorCode.CONNECTION_ERROR, words);
      assert.equal(await reason.promise, "peer");
    });
  }
});

test("what the standard asks to ignore is ignored, and what may be ignored too", () =>
  play(async (scene) => {
    scene.services.answer(scene.operations.place, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(
      setup,
      // A second SETUP; codes that only a server may send; frames of streams that never were.
      setup,
      `00000000 2c00 00000001 ${text("you are not welcome")}`,
      "00000007 2400",
      "00000007 2000 00000005",
      "00000007 2860 31",
      `00000007 2c00 00000201 ${text("what?")}`,
      // Frames of a stream on the connection, and the reverse.
      "00000000 2400",
      "00000000 2860 31",
      "00000005 0c80 0000000000000000",
      "00000005 3100 7b7d",
      // A type and an extension that nobody knows, which say that they may be ignored; a lease.
      "00000000 fa00 deadbeef",
      "00000000 fe00 00000007 00",
      "00000000 0800 00001388 00000064",
      place(1),
    );
    const answer = await peer.next("METADATA_PUSH");
    assert.deepEqual([answer.type, answer.streamId], ["PAYLOAD", 1]);
  }));

test("a request on a stream in use is ignored, and the one under way goes on", () =>
  play(async (scene) => {
    const end = Promise.withResolvers<string>();
    scene.services.answer(scene.operations.place, () => end.promise);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup, place(1), place(1), watch(1, "00000001"));
    await scene.turns(5);
    end.resolve("once");
    const answer = await peer.next("METADATA_PUSH");
    assert.equal(answer.data.toString(), '"once"');
    assert.equal(scene.services.begun.length, 1);
    await scene.turns(5);
    assert.equal(peer.frames.length, 0);
  }));

test("a request that can be refused by itself is: the connection goes on", () =>
  play(async (scene) => {
    scene.services.answer(scene.operations.place, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup);
    const fixed = `0000 01 00 00002710 ${"00".repeat(25)}`;
    const rows: [frame: string, code: number, words: RegExp][] = [
      ["00000000 1000 31", ErrorCode.INVALID, /INVALID_ARGUMENT.*too short/],
      [`00000000 1100 000005 0000010000 31`, ErrorCode.INVALID, /INVALID_ARGUMENT.*too short/],
      [request(0, "1100", 7), ErrorCode.REJECTED, /UNIMPLEMENTED.*operation 7/],
      [request(0, "1100", 1), ErrorCode.REJECTED, /UNIMPLEMENTED.*orders@1\/watch/],
      [`00000000 1100 000022 ${fixed} 01 31`, ErrorCode.INVALID, /INVALID_ARGUMENT.*malformed/],
      [
        `00000000 1100 000021 ${fixed} 7b`,
        ErrorCode.INVALID,
        /INVALID_ARGUMENT.*cannot be read as json/,
      ],
      [
        request(0, "1d00", 0, "00000001"),
        ErrorCode.REJECTED,
        /UNIMPLEMENTED.*asked as something else/,
      ],
    ];
    for (const [index, [frame, code, words]] of rows.entries()) {
      const streamId = 2 * index + 1;
      peer.send(onStream(streamId, frame));
      const error = await peer.next("METADATA_PUSH");
      assert.deepEqual([error.type, error.streamId, error.errorCode], ["ERROR", streamId, code]);
      assert.match(error.data.toString(), /"executed":"no"/);
      assert.match(error.data.toString(), words);
    }
    assert.equal(scene.services.begun.length, 0);
    peer.send(place(99));
    assert.equal((await peer.next()).streamId, 99);
  }));

test("more operations than a connection can number end it", () =>
  play(async (scene) => {
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup);
    const many = JSON.stringify({
      contracts: [["many", 1, "", Array.from({ length: 65_533 }, () => "")]],
    });
    peer.send(`00000000 3100 ${text(many)}`);
    await refusesConnection(peer, ErrorCode.CONNECTION_ERROR, /too many operations/);
    const greedy = await scene.dial();
    const all = JSON.stringify({
      wire: 1,
      contracts: [["many", 1, "", Array.from({ length: 65_536 }, () => "")]],
    });
    greedy.send(setup.replace(introduction, text(all)));
    await refusesConnection(greedy, ErrorCode.INVALID_SETUP, /too many operations/);
  }));

test("credit given again and again adds up to no more than there is", () =>
  play(async (scene) => {
    let put = 0;
    scene.services.produce(scene.operations.watch, async (_input, incoming, sink) => {
      while (incoming.cancelled === undefined && put < 100) {
        if (sink.ready) sink.put(put++);
        else await sink.whenReady();
      }
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(
      setup,
      watch(1, "7fffffff"),
      ...Array.from({ length: 50 }, () => "00000001 2000 7fffffff"),
    );
    for (let item = 0; item < 100; item++) {
      assert.equal((await peer.next("METADATA_PUSH")).data.toString(), String(item));
    }
    assert.equal((await peer.next()).type, "PAYLOAD");
  }));

for (const [size, bytes] of [
  ["whole", 60_000],
  ["in fragments", 200_000],
] as const) {
  test(`a client that reads no answers (${size}) is not read either: what waits for it is bounded`, () =>
    play(async (scene) => {
      scene.services.answer(scene.operations.place, () => "x".repeat(bytes));
      const server = await scene.serve();
      const peer = await scene.dial();
      peer.connection.pause();
      peer.send(setup);
      let sent = 0;
      for (; sent < 500; sent++) {
        peer.send(place(2 * sent + 1));
        if (sent % 10 === 0) await scene.turns(2);
      }
      await scene.turns(50);
      assert.ok(
        scene.services.begun.length < 100,
        `${scene.services.begun.length} requests were begun`,
      );
      peer.connection.resume();
      for (let answers = 0; answers < sent;) {
        const { flags } = await peer.next("METADATA_PUSH");
        if ((flags & Flag.COMPLETE) !== 0) answers++;
      }
      assert.deepEqual([scene.services.begun.length, server.inFlight], [sent, 0]);
    }));
}

test("a peer that asks for signs of life and reads none is not read either", () =>
  play(async (scene) => {
    await scene.serve();
    const client = await scene.dial();
    client.send(setup);
    client.connection.pause();
    const beat = Buffer.concat([
      Buffer.from("000000000c800000000000000000", "hex"),
      Buffer.alloc(100_000),
    ]);
    let sent = 0;
    for (; client.connection.writable; sent++) {
      assert.ok(sent < 100, "what waits for it is bounded");
      client.send(beat);
      await scene.turns(3);
    }
    client.connection.resume();
    for (let echoes = 0; echoes < sent; echoes++) {
      const echo = await client.next("METADATA_PUSH");
      assert.deepEqual([echo.type, echo.data.length], ["KEEPALIVE", 100_000]);
    }
  }));

test("a server that sends more items than it was granted broke the protocol", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const items = scene.watch(caller);
    const other = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    for (let item = 0; item < 9; item++) server.send(`00000001 2820 ${text(String(item))}`);
    await assert.rejects(other, {
      code: "UNAVAILABLE",
      executed: "maybe",
      reason: /more items than/,
    });
    for (let item = 0; item < 8; item++) assert.equal((await items.next()).value, item);
    await assert.rejects(items.next(), { code: "UNAVAILABLE", executed: "maybe" });
    const error = await server.next("SETUP", "REQUEST_STREAM", "REQUEST_RESPONSE");
    assert.deepEqual([error.streamId, error.errorCode], [0, ErrorCode.CONNECTION_ERROR]);
    server.connection.end();
  }));

test("a server that asks its client is told that nothing is served there", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    server.send(place(2));
    const error = await server.next("SETUP", "REQUEST_RESPONSE");
    assert.deepEqual(
      [error.type, error.streamId, error.errorCode],
      ["ERROR", 2, ErrorCode.REJECTED],
    );
    server.send(`00000001 2860 ${text("1")}`);
    assert.equal(await call, 1);
  }));

test("answers that come twice, too late or for nobody disturb nobody", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const hasty = caller.call(scene.operations.place, 0, scene.attempt(20));
    const server = await peer();
    await assert.rejects(hasty, { code: "DEADLINE_EXCEEDED", executed: "maybe" });
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    server.send(
      `00000001 2860 ${text("1")}`,
      `00000063 2860 ${text("1")}`,
      `00000001 2c00 00000201 ${text("late")}`,
      `00000003 2860 ${text('"right"')}`,
      `00000003 2860 ${text('"twice"')}`,
    );
    assert.equal(await call, "right");
    assert.equal(caller.state, "ready");
  }));

test("what a server says in an unreadable form fails its own call alone", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const [broken, fine] = [0, 0].map(() =>
      caller.call(scene.operations.place, 0, scene.attempt()),
    );
    const server = await peer();
    server.send(`00000001 2860 ${text("{ no JSON")}`, `00000003 2860 ${text("1")}`);
    await assert.rejects(broken!, { code: "INTERNAL", executed: "yes" });
    assert.equal(await fine, 1);
    const items = scene.watch(caller);
    server.send(`00000005 2820 ${text("1")}`, `00000005 2820 ${text("{ no JSON")}`);
    assert.equal((await items.next()).value, 1);
    await assert.rejects(items.next(), { code: "INTERNAL" });
    const cancel = await server.next("SETUP", "REQUEST_RESPONSE", "REQUEST_STREAM", "REQUEST_N");
    assert.deepEqual([cancel.type, cancel.streamId], ["CANCEL", 5]);
  }));

test("a thousand connections that come and go leave nothing", () =>
  play(async (scene) => {
    const server = await scene.serve();
    for (let rounds = 0; rounds < 20; rounds++) {
      const peers = await Promise.all(Array.from({ length: 50 }, () => scene.dial()));
      for (const [index, peer] of peers.entries()) {
        if (index % 2 === 0) peer.send(setup);
        if (index % 5 === 0) peer.connection.end();
        else peer.connection.destroy("gone");
      }
      await Promise.all(peers.map((peer) => peer.closing()));
    }
    await sleep(scene.env, 10_000);
    assert.deepEqual([server.connections, scene.env.alarms], [0, 0]);
  }));
