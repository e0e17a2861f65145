import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { Attempt } from "../attempt.ts";
import type { Source } from "../protocol.ts";
import { declare } from "../suite/declare.ts";
import type { FramePeer, SeenFrame } from "./frame-peer.ts";
import { FrameScene, hex, text } from "./frame-scene.ts";

/*
 * Goal: servers that are not Trunkline are called in the standard's way, by those who were told, and by those who find
 * out; what was under way when they find out goes along.
 */

const { play } = FrameScene;

const composite = "message/x.rsocket.composite-metadata.v0";
const compact = "application/vnd.trunkline.v1";
const unsupported = `00000000 2c00 00000002 ${text("no such metadata")}`;
const answer = (streamId: number, data: string): string =>
  `${streamId.toString(16).padStart(8, "0")} 2860 ${text(data)}`;

function mimeOf(setup: SeenFrame): string | undefined {
  return [composite, compact].find((mime) => setup.hex.includes(text(mime)));
}

/** The request that docs/protocol.md draws: lines of hexadecimal digits and then words. */
function drawn(): string {
  const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");
  const block = /byte for byte, as a client writes it.*?```text\n(.*?)```/s.exec(page)![1]!;
  return block.replaceAll(/ {3,}.*$/gm, "").replaceAll(/\s/g, "");
}

/** The next frame, or that there are no more. */
async function next(
  peer: FramePeer,
): Promise<{ readonly type: string; readonly streamId: number }> {
  try {
    return await peer.next();
  } catch {
    return { type: "", streamId: 0 };
  }
}

/** Refuses whoever speaks of compact metadata, and tells the types of all who come. */
function picky(
  mimes: (string | undefined)[],
  refusal: string,
  serve: (peer: FramePeer) => Promise<void>,
) {
  return (peer: FramePeer): void => {
    void (async () => {
      const mime = mimeOf(await peer.next());
      mimes.push(mime);
      if (mime === composite) await serve(peer);
      else {
        await peer.next("METADATA_PUSH"); // a request is on its way
        peer.send(refusal);
        peer.connection.end();
      }
    })();
  };
}

test("a caller that is told so introduces itself to nobody and describes its requests in the standard's way", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const call = caller.call(scene.operations.place, "kettle", scene.attempt(1_500));
    const server = await peer();
    const setup = await server.next();
    assert.equal(
      setup.hex,
      hex(`00000000 0400 0001 0000 00001388 00003a98
        27 ${text(composite)} 10 ${text("application/json")}`),
    );
    const request = await server.next();
    assert.equal(request.hex, drawn());
    assert.equal(
      request.hex,
      hex(`00000001 1100 00007a
        fe 00001c 0c ${text("orders.place")} 0e ${text("orders@1/place")}
        fd 000019 a8 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7
        25 ${text("application/vnd.trunkline.call.v1+json")} 000013 ${text('{"timeLeftMs":1500}')}
        ${text('"kettle"')}`),
    );
    server.send(answer(1, "8"));
    assert.equal(await call, 8);
    assert.deepEqual(server.frames, []);
  }));

test("bytes, credentials and a further contract need no announcement either", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const { operations, env } = scene;
    const { trace, deadlineAt } = scene.attempt();
    const headers = { authorization: "Basic YW5uOnNlY3JldA==" };
    await caller.notify(
      operations.seen,
      Uint8Array.of(0, 255),
      new Attempt(deadlineAt, Infinity, trace, undefined, headers),
    );
    const server = await peer();
    assert.equal(mimeOf(await server.next()), composite);
    const { type, metadata, data } = await server.next();
    assert.deepEqual([type, data.toString("hex")], ["REQUEST_FNF", "00ff"]);
    assert.ok(metadata.includes(Buffer.from("fa00000186", "hex")), "application/octet-stream");
    assert.ok(metadata.includes(Buffer.from(hex(`fc 00000c 80 0003 ${text("annsecret")}`), "hex")));
    assert.ok(!metadata.includes("authorization"));
    assert.equal(env.alarms > 0, true);
  }));

for (const [name, code] of [
  ["INVALID_SETUP", "00000001"],
  ["UNSUPPORTED_SETUP", "00000002"],
  ["REJECTED_SETUP", "00000003"],
]) {
  test(`a server that answers ${name} gets the same requests on a new connection in the standard's form`, () =>
    play(async (scene) => {
      const mimes: (string | undefined)[] = [];
      const asked: string[] = [];
      const refusal = `00000000 2c00 ${code} ${text("no such metadata")}`;
      await scene.listen(
        picky(mimes, refusal, async (peer) => {
          while (peer.closedBy === undefined) {
            const { type, streamId } = await next(peer);
            if (type !== "") asked.push(type);
            if (type === "REQUEST_RESPONSE") peer.send(answer(streamId, "8"));
            if (type === "REQUEST_STREAM") peer.send(answer(streamId, '"item"'));
          }
        }),
      );
      const caller = scene.connect();
      const begun = scene.env.now();
      const { operations } = scene;
      const notified = caller.notify(operations.seen, Uint8Array.of(1), scene.attempt());
      const call = caller.call(operations.place, 7, scene.attempt());
      const items = scene.watch(caller);
      await notified;
      assert.equal(await call, 8);
      assert.deepEqual(await items.next(), { done: false, value: "item" });
      assert.equal(await caller.call(operations.place, 7, scene.attempt()), 8);
      assert.deepEqual(mimes, [compact, composite]);
      assert.deepEqual(asked.toSorted(), [
        "REQUEST_FNF",
        "REQUEST_RESPONSE",
        "REQUEST_RESPONSE",
        "REQUEST_STREAM",
      ]);
      assert.ok(scene.env.now() - begun < 50, "no pause between the two dials");
    }));
}

test("what the server refused is remembered for the next connection too", () =>
  play(async (scene) => {
    const mimes: (string | undefined)[] = [];
    await scene.listen(
      picky(mimes, unsupported, async (peer) => {
        peer.send(answer((await peer.next()).streamId, "8"));
        peer.connection.end();
      }),
    );
    const caller = scene.connect();
    for (let calls = 0; calls < 3; calls++)
      assert.equal(await caller.call(scene.operations.place, 0, scene.attempt()), 8);
    assert.deepEqual(mimes, [compact, composite, composite, composite]);
  }));

test("a request that was given up while the forms change goes nowhere, and one whose deadline passes fails in time", () =>
  play(async (scene) => {
    const met = Promise.withResolvers<FramePeer>();
    const seen: string[] = [];
    let peers = 0;
    await scene.listen((peer) => {
      if (++peers === 1) met.resolve(peer);
      else {
        void (async () => {
          while (peer.closedBy === undefined) seen.push((await next(peer)).type);
        })();
      }
    });
    const caller = scene.connect();
    const attempt = scene.attempt();
    const given = caller.call(scene.operations.place, 0, attempt);
    const slow = caller.call(scene.operations.place, 0, scene.attempt(500));
    const peer = await met.promise;
    attempt.cancel("caller");
    await assert.rejects(given, { code: "CANCELLED" });
    peer.send(unsupported);
    await assert.rejects(slow, { code: "DEADLINE_EXCEEDED", executed: "maybe" });
    await scene.turns(3);
    assert.deepEqual(seen, ["SETUP", "REQUEST_RESPONSE", "CANCEL"]);
  }));

test("a refusal after the SETUP was accepted is ignored, as the standard asks", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call();
    const call = caller.call(scene.operations.place, 7, scene.attempt());
    const server = await peer();
    server.send("00000000 0c00 0000000000000000"); // an answer to a KEEPALIVE
    server.send(unsupported);
    server.send(answer(1, "8"));
    assert.equal(await call, 8);
    assert.equal(scene.dials.length, 1);
  }));

test("an unknown form of metadata is refused before anything is dialled", () =>
  play(async (scene) => {
    const metadata = "json" as "compact";
    assert.throws(() => scene.connect({ metadata }), { code: "INVALID_ARGUMENT", executed: "no" });
    assert.equal(scene.dials.length, 0);
  }));

const { sum, store, chat } = declare("orders", 1, {
  sum: { kind: "upload" },
  store: { kind: "upload", head: "json" },
  chat: { kind: "duplex" },
});
const unbounded = { idleMs: Infinity } as const;
const reading = { ...unbounded, accept: (item: unknown) => item, settled: () => undefined };

/** Puts the items as there is room, and waits before each for what it is a promise of. */
function giving(...items: readonly unknown[]): Source {
  return async (sink) => {
    for (const item of items) {
      const given = await item;
      while (!sink.closed && !sink.ready) await sink.whenReady();
      if (sink.closed) return;
      sink.put(given);
    }
  };
}

const told = ({ type, flags, data }: SeenFrame): unknown[] => [type, flags & 0x60, data.toString()];

test("an upload without a head goes when its first item is there, and carries it; the others wait for credit", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const first = Promise.withResolvers<number>();
    const source = giving(first.promise, 2, 3);
    const answered = caller.upload(sum, undefined, source, scene.attempt(), unbounded);
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    await server.next();
    const asked = await server.next();
    assert.deepEqual([asked.type, asked.streamId], ["REQUEST_RESPONSE", 1]);
    server.send(answer(1, "8"));
    assert.equal(await call, 8);
    assert.deepEqual(server.frames, [], "the upload waits for its first item");
    first.resolve(1);
    const channel = await server.next();
    assert.deepEqual([...told(channel), channel.streamId], ["REQUEST_CHANNEL", 0, "1", 3]);
    await scene.turns(3);
    assert.deepEqual(server.frames, [], "there is no credit yet");
    server.send("00000003 2000 00000001");
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x20, "2"]);
    server.send("00000003 2000 00000009");
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x20, "3"]);
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x40, ""]);
    server.send(answer(3, "6"));
    assert.equal(await answered, 6);
  }));

test("a single item is followed by the end at once, and no item by the end of an empty request", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const items = caller.duplex(chat, undefined, giving("hello"), scene.attempt(), reading);
    const server = await peer();
    await server.next();
    assert.deepEqual(told(await server.next()), ["REQUEST_CHANNEL", 0, '"hello"']);
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x40, ""]);
    server.send(answer(1, '"HELLO"'));
    assert.deepEqual(await items.next(), { done: false, value: "HELLO" });
    const none = caller.upload(sum, undefined, giving(), scene.attempt(), unbounded);
    assert.deepEqual(told(await server.next("REQUEST_N")), ["REQUEST_CHANNEL", 0, ""]);
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x40, ""]);
    server.send(answer(3, "0"));
    assert.equal(await none, 0);
  }));

test("a declared head goes at once, and no item is asked for before there is credit", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const answered = caller.upload(store, { name: "a" }, giving(1), scene.attempt(), unbounded);
    const server = await peer();
    await server.next();
    assert.deepEqual(told(await server.next()), ["REQUEST_CHANNEL", 0, '{"name":"a"}']);
    server.send("00000001 2000 00000008");
    assert.deepEqual(told(await server.next()), ["PAYLOAD", 0x20, "1"]);
    server.send(answer(1, "1"));
    assert.equal(await answered, 1);
  }));

test("a first item that never comes, cannot be written or fails is no request: nothing was sent", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ metadata: "composite" });
    const never = new Promise(() => {});
    const upload = (source: Source, attempt: Attempt): Promise<unknown> =>
      caller.upload(sum, undefined, source, attempt, unbounded);
    await assert.rejects(upload(giving(never), scene.attempt(300)), {
      code: "DEADLINE_EXCEEDED",
      executed: "no",
      reason: /no first item within 30\d ms/,
    });
    const failing: Source = () => Promise.reject(new Error("no disk"));
    await assert.rejects(upload(failing, scene.attempt()), { code: "CANCELLED", executed: "no" });
    const unwritable = upload(giving(1n), scene.attempt());
    await assert.rejects(unwritable, { code: "INVALID_ARGUMENT", executed: "no" });
    const attempt = scene.attempt();
    const given = upload(giving(never), attempt);
    attempt.cancel("caller");
    await assert.rejects(given, { code: "CANCELLED", executed: "no" });
    const left = upload(giving(never), scene.attempt());
    const closed = assert.rejects(left, { code: "CANCELLED", executed: "no" });
    await scene.turns();
    const server = await peer();
    assert.deepEqual(
      server.frames.map(({ type }) => type),
      ["SETUP"],
    );
    await caller.close();
    await closed;
  }));

test("an upload goes along when the server refuses our own form, and when it sends us away", () =>
  play(async (scene) => {
    const mimes: (string | undefined)[] = [];
    const seen: unknown[] = [];
    let away = true;
    await scene.listen(
      picky(mimes, unsupported, async (peer) => {
        const channel = await peer.next();
        seen.push(told(channel));
        if (away) {
          away = false;
          const { streamId } = channel;
          peer.send(`00000000 2c00 00000102 ${text("bye")}`);
          peer.send(`${streamId.toString(16).padStart(8, "0")} 2c00 00000202 ${text("bye")}`);
        } else peer.send(answer(channel.streamId, "1"));
      }),
    );
    const caller = scene.connect();
    assert.equal(await caller.upload(sum, undefined, giving(1, 2), scene.attempt(), unbounded), 1);
    assert.deepEqual(mimes, [compact, composite, composite]);
    const channel = ["REQUEST_CHANNEL", 0, "1"];
    assert.deepEqual(seen, [channel, channel]);
  }));

test("an upload that waits for its first item has a connection: the end of the one before opens no further one", () =>
  play(async (scene) => {
    const peers: FramePeer[] = [];
    await scene.listen((peer) => void peers.push(peer));
    const caller = scene.connect();
    const call = caller.call(scene.operations.place, 0, scene.attempt());
    while (peers.length < 1) await scene.turns();
    assert.equal(mimeOf(await peers[0]!.next()), compact);
    peers[0]!.send(unsupported); // and it does not close its side
    while (peers.length < 2) await scene.turns();
    assert.equal(mimeOf(await peers[1]!.next()), composite);
    peers[1]!.send(answer((await peers[1]!.next()).streamId, "8"));
    assert.equal(await call, 8);
    const first = Promise.withResolvers<number>();
    const answered = caller.upload(
      sum,
      undefined,
      giving(first.promise),
      scene.attempt(),
      unbounded,
    );
    await sleep(scene.env, 2_000); // who does not close its side is cut off after one
    assert.deepEqual([peers[0]!.closedBy === undefined, scene.dials.length], [false, 2]);
    first.resolve(1);
    peers[1]!.send(answer((await peers[1]!.next("KEEPALIVE")).streamId, "1"));
    assert.equal(await answered, 1);
  }));
