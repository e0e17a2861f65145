import assert from "node:assert/strict";
import { test } from "node:test";
import { TrunklineError } from "../../base/error.ts";
import { parseTraceparent } from "../../base/trace.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import { Attempt } from "../attempt.ts";
import { declare } from "../suite/declare.ts";
import { FrameScene, hex, onStream, text, traceparent } from "./frame-scene.ts";

/*
 * Goal: builds of different versions talk to each other.
 * Method: the frames of wire version 1 stand here as bytes, for ever: each later build must serve a client and
 * understand a server that send them. And a peer of a version that does not exist yet, which says everything that is
 * said today and more, in both roles.
 */

const { play } = FrameScene;
const traceBytes = "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01";

/** Bytes of wire version 1, field by field. Never changed: a new version adds its own beside them. */
const v1 = {
  setup: `
    00000000 0400 0001 0000 00001388 00003a98
    1c ${text("application/vnd.trunkline.v1")} 10 ${text("application/json")}
    ${text('{"wire":1,"codecs":["json","raw"],"instance":"desk-3","itemBytesMax":4194304,"contracts":[["orders",1,"",["place","watch","seen"]]]}')}`,
  hello: `00000000 3100 ${text('{"instance":"orders-1","bootId":"b-1","wire":1,"codecs":["json","raw"],"itemBytesMax":4194304}')}`,
  place: `
    00000001 1100 000044
    0000 01 00 000005dc 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01
    01 0005 ${text("key-1")} 02 0011 ${text('{"tenant":"acme"}')} 03 0004 0000ea60
    ${text('{"item":"kettle"}')}`,
  watch: `
    00000003 1900 00000008 000021
    0001 01 00 ffffffff 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01
    ${text('"o-17"')}`,
  seen: `
    00000005 1500 000021
    0002 02 00 000005dc 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01
    00ff`,
  answer: `00000001 2860 ${text('{"id":"o-18"}')}`,
  notFound: `
    00000001 2c00 00000201
    ${text('{"code":"NOT_FOUND","executed":"yes","reason":"no such order","declared":true,"data":"o-17"}')}`,
  refused: `
    00000001 2c00 00000202
    ${text('{"code":"RESOURCE_EXHAUSTED","executed":"no","reason":"too many","advice":"wait"}')}`,
  failed: `
    00000001 2c00 00000201
    ${text('{"code":"INTERNAL","executed":"yes","reason":"it failed","id":"r-1","cause":{"operation":"stock.take","code":"UNAVAILABLE"}}')}`,
  item: `00000003 2820 ${text('{"state":"placed"}')}`,
  complete: `00000003 2840`,
  credit: `00000003 2000 0000000c`,
  cancel: `00000003 2400`,
  close: `00000000 2c00 00000102 ${text("the server is shutting down")}`,
};

test("a client of version 1 is served: call, stream and notification, with everything that a request can say", () =>
  play(async (scene) => {
    const { services, operations, env } = scene;
    const seen: unknown[] = [];
    services.answer(operations.place, (input) => {
      seen.push(input);
      return { id: "o-18" };
    });
    services.answer(operations.seen, (input) => void seen.push(Buffer.from(input as Uint8Array)));
    services.produce(operations.watch, async (input, _incoming, sink) => {
      seen.push(input);
      sink.put({ state: "placed" });
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(v1.setup, v1.place, v1.watch, v1.seen);
    assert.equal((await peer.next()).hex, hex(v1.hello));
    const frames = [await peer.next(), await peer.next(), await peer.next()].map(
      (frame) => frame.hex,
    );
    assert.deepEqual(frames.toSorted(), [v1.answer, v1.item, v1.complete].map(hex).toSorted());
    assert.deepEqual(seen, [{ item: "kettle" }, "o-17", Buffer.from("00ff", "hex")]);
    const [place, watch] = services.begun;
    assert.equal(place?.deadlineAt, env.now() + 1_500);
    assert.equal(place?.totalAt, env.now() + 60_000);
    assert.equal(place?.idempotencyKey, "key-1");
    assert.deepEqual({ ...place?.headers }, { tenant: "acme" });
    assert.equal(place?.trace?.traceparent, traceparent);
    assert.deepEqual([watch?.deadlineAt, watch?.idempotencyKey], [Infinity, undefined]);
  }));

test("a client of version 1 gets its errors as version 1 has them", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => {
      throw new TrunklineError("NOT_FOUND", "no such order", {
        executed: "yes",
        declared: true,
        data: "o-17",
      });
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(v1.setup, v1.place);
    assert.equal((await peer.next("METADATA_PUSH")).hex, hex(v1.notFound));
  }));

test("a server of version 1 is understood: answers, items, and each form of an error", () =>
  play(async (scene) => {
    const { operations } = scene;
    const { caller, peer } = await scene.call();
    const answer = caller.call(operations.place, {}, scene.attempt());
    const server = await peer();
    server.send(v1.hello, v1.answer);
    assert.deepEqual(await answer, { id: "o-18" });
    const expected: [string, object][] = [
      [v1.notFound, { code: "NOT_FOUND", executed: "yes", declared: true, data: "o-17" }],
      [v1.refused, { code: "RESOURCE_EXHAUSTED", executed: "no", declared: false, advice: "wait" }],
      [
        v1.failed,
        {
          code: "INTERNAL",
          executed: "yes",
          id: "r-1",
          cause: { operation: "stock.take", code: "UNAVAILABLE" },
        },
      ],
    ];
    let streamId = 1;
    for (const [frame, error] of expected) {
      const failed = assert.rejects(caller.call(operations.place, {}, scene.attempt()), error);
      streamId += 2;
      server.send(onStream(streamId, frame));
      await failed;
    }
    const items = caller.stream(operations.watch, "o-17", scene.attempt(), {
      idleMs: Infinity,
      accept: (item) => item,
      settled: (failure) => failure,
    });
    streamId += 2;
    server.send(onStream(streamId, v1.item), onStream(streamId, v1.complete));
    assert.deepEqual(await items.next(), { done: false, value: { state: "placed" } });
    assert.equal((await items.next()).done, true);
  }));

test("what this build sends is what version 1 sends", () =>
  play(async (scene) => {
    const { operations, env } = scene;
    const { caller, peer } = await scene.call();
    const trace = parseTraceparent(traceparent)!;
    const place = new Attempt(env.now() + 1_500, env.now() + 60_000, trace, "key-1", {
      tenant: "acme",
    });
    const answered = caller.call(operations.place, { item: "kettle" }, place);
    const server = await peer();
    assert.deepEqual(
      [(await server.next()).hex, (await server.next()).hex],
      [hex(v1.setup), hex(v1.place)],
    );
    server.send(v1.hello, v1.answer);
    await answered;
    const watch = new Attempt(Infinity, Infinity, trace, undefined, undefined);
    const items = caller.stream(operations.watch, "o-17", watch, {
      idleMs: Infinity,
      accept: (item) => item,
      settled: (failure) => failure,
    });
    assert.equal((await server.next()).hex, hex(v1.watch));
    server.send(v1.item, v1.item, v1.item, v1.item);
    for (let taken = 0; taken < 4; taken++) await items.next();
    assert.equal((await server.next()).hex, hex(v1.credit));
    await items.return!();
    assert.equal((await server.next()).hex, hex(v1.cancel));
    const seen = new Attempt(env.now() + 1_500, Infinity, trace, undefined, undefined);
    await caller.notify(operations.seen, Buffer.from("00ff", "hex"), seen);
    assert.equal((await server.next()).hex, hex(v1.seen));
  }));

test("a server of this build says goodbye as version 1 does", () =>
  play(async (scene) => {
    const server = await scene.serve();
    const peer = await scene.dial();
    peer.send(v1.setup);
    assert.equal((await peer.next()).hex, hex(v1.hello));
    const drained = server.drain(10_000);
    assert.equal((await peer.next()).hex, hex(v1.close));
    peer.connection.end();
    await drained;
    assert.equal((await peer.closing()).kind, "done");
  }));

test("a client of a later version, which says more than we know, is served", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (input) => input);
    services.answer(operations.seen, () => undefined);
    await scene.serve();
    const peer = await scene.dial();
    const introduction = JSON.stringify({
      lanes: ["bulk"],
      wire: 9,
      codecs: ["cbor", "json", "raw", { name: "zstd" }],
      instance: { name: "desk", pid: 7 },
      contracts: [
        ["orders", 1, { sha256: "…" }, ["cancel", "place"], { tags: ["a"] }],
        ["weather", 3, "", ["now"]],
      ],
    });
    peer.send(
      // RSocket 1.7, a flag that nobody knows, an introduction with more in it.
      `00000000 0403 0001 0007 00001388 00003a98
       1c ${text("application/vnd.trunkline.v1")} 10 ${text("application/json")} ${text(introduction)}`,
      // Something about the connection that we do not know; and a frame type that may be ignored.
      `00000000 3100 ${text('{"load":0.5,"contracts":[["billing",1,"",["pay"]]],"lanes":{}}')}`,
      `00000000 fa00 deadbeef`,
      // The flags byte, and extensions of types 9 and 200 around the key.
      `00000001 1100 000035 0001 01 80 000005dc ${traceBytes}
       09 0004 00010203 01 0001 6b c8 0006 ${text("future")} ${text("1")}`,
    );
    const answer = await peer.next("METADATA_PUSH");
    assert.deepEqual([answer.type, answer.streamId, answer.data.toString()], ["PAYLOAD", 1, "1"]);
    assert.equal(services.begun[0]?.idempotencyKey, "k");
    // Index 4 is the contract that was pushed; nobody serves it here, and that is told as what it is.
    peer.send(`00000003 1100 000021 0003 01 00 000005dc ${traceBytes} ${text("1")}`);
    const refused = await peer.next();
    assert.equal(refused.errorCode, ErrorCode.REJECTED);
    assert.match(refused.data.toString(), /"UNIMPLEMENTED","executed":"no".*billing@1\/pay/);
  }));

test("a request in a codec that this build does not have did not run", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(v1.setup, `00000001 1100 000021 0000 63 00 000005dc ${traceBytes} a1`);
    const refused = await peer.next("METADATA_PUSH");
    assert.equal(refused.errorCode, ErrorCode.REJECTED);
    assert.match(refused.data.toString(), /"UNIMPLEMENTED","executed":"no"/);
    assert.equal(services.begun.length, 0);
  }));

test("a server of a later version, which says more than we know, is understood", () =>
  play(async (scene) => {
    const { operations } = scene;
    const { caller, peer } = await scene.call();
    const answer = caller.call(operations.place, {}, scene.attempt());
    const server = await peer();
    server.send(
      `00000000 3100 ${text('{"wire":9,"instance":["a"],"bootId":"b","codecs":["cbor"],"load":{"now":1}}')}`,
      `00000000 3100 ${text("not even JSON")}`,
      // An extension frame that may be ignored, a lease that nobody asked for.
      `00000000 fe00 00000007 00`,
      `00000000 0800 00001388 00000064`,
      // The answer with metadata beside it, and a flag that a PAYLOAD does not have.
      `00000001 2971 000003 ${text("new")} ${text('{"id":"o-18","more":true}')}`,
    );
    assert.deepEqual(await answer, { id: "o-18", more: true });
    const failed = assert.rejects(caller.call(operations.place, {}, scene.attempt()), {
      code: "UNAVAILABLE",
      executed: "no",
      reason: "overloaded",
    });
    server.send(
      `00000003 2c00 00000202
       ${text('{"code":"UNAVAILABLE","executed":"no","reason":"overloaded","retryAfterMs":5,"lane":"bulk"}')}`,
    );
    await failed;
    // A code of a later version is passed on, with what it says of itself.
    const later = assert.rejects(caller.call(operations.place, {}, scene.attempt()), {
      code: "MOVED",
      executed: "no",
      declared: false,
    });
    server.send(
      `00000005 2c00 00000202 ${text('{"code":"MOVED","executed":"no","reason":"elsewhere"}')}`,
    );
    await later;
  }));

test("a contract that joins an open connection is announced before its first use, once", () =>
  play(async (scene) => {
    const { operations } = scene;
    const { caller, peer } = await scene.call();
    const { pay, refund } = declare("billing", 2, {
      pay: { kind: "call" },
      refund: { kind: "call" },
    });
    const first = caller.call(operations.place, 0, scene.attempt());
    const server = await peer();
    const seen = [await server.next(), await server.next()];
    assert.deepEqual(
      seen.map((frame) => frame.type),
      ["SETUP", "REQUEST_RESPONSE"],
    );
    server.send(v1.answer);
    await first;
    const calls = [refund, pay, operations.place].map((operation) =>
      caller.call(operation, 0, scene.attempt()),
    );
    const push = await server.next();
    assert.equal(push.type, "METADATA_PUSH");
    assert.equal(push.metadata.toString(), '{"contracts":[["billing",2,"",["pay","refund"]]]}');
    for (const index of [4, 3, 0]) {
      const request = await server.next();
      assert.equal(request.type, "REQUEST_RESPONSE");
      assert.equal(request.metadata.readUInt16BE(0), index);
      server.send(onStream(request.streamId, v1.answer));
    }
    await Promise.all(calls);
  }));
