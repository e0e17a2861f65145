import assert from "node:assert/strict";
import { test } from "node:test";
import { cbor } from "../../codec/cbor/index.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Format } from "../../codec/format.ts";
import { msgpack } from "../../codec/msgpack/index.ts";
import { systemError } from "../../base/error.ts";
import type { Caller } from "../protocol.ts";
import { callbackTo } from "../callback.ts";
import type { FramePeer } from "./frame-peer.ts";
import { FrameScene, text } from "./frame-scene.ts";

const { play } = FrameScene;

const packed: Codec = msgpack().codec({
  contract: { name: "any", version: "1.0.0", operations: {} },
  operation: "any",
  part: "in",
});

/** A value as MessagePack, hexadecimal. */
function pack(value: unknown): string {
  return Buffer.from(packed.encode(value) as Uint8Array).toString("hex");
}

function hello(...codecs: string[]): string {
  const body = { instance: "orders-1", bootId: "b-1", wire: 1, codecs, itemBytesMax: 4_194_304 };
  return `00000000 3100 ${text(JSON.stringify(body))}`;
}

function setup(...codecs: string[]): string {
  const contracts = [
    ["orders", 1, "", ["place", "watch", "seen"]],
    ["files", 1, "", ["store", "talk"]],
  ];
  const body = { wire: 1, codecs, instance: "desk-3", itemBytesMax: 4_194_304, contracts };
  return `
    00000000 0400 0001 0000 00001388 00003a98
    1c ${text("application/vnd.trunkline.v1")} 10 ${text("application/json")}
    ${text(JSON.stringify(body))}`;
}

/** What every request says beside its operation and its codec. */
const rest = `00 000005dc 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01`;

/** Waits until the caller has heard the server's hello. */
async function greeted(
  scene: FrameScene,
  caller: Caller,
  expected: Format | undefined,
): Promise<void> {
  await scene.turns(5);
  assert.equal((caller as Caller & { readonly format: Format | undefined }).format, expected);
}

test("both sides say what they speak, and a caller uses its format once the server has said that it does", () =>
  play(async (scene) => {
    const { operations } = scene;
    const { caller, peer } = await scene.call({ format: msgpack() });
    const first = caller.call(operations.place, { item: "kettle" }, scene.attempt());
    const server = await peer();
    const introduction = Buffer.from((await server.next()).hex, "hex").toString();
    assert.match(introduction, /"codecs":\["json","raw","msgpack"\]/);
    const early = await server.next();
    assert.deepEqual([early.metadata[2], early.data.toString()], [1, '{"item":"kettle"}']);
    server.send(hello("json", "raw", "cbor", "msgpack"));
    await greeted(scene, caller, msgpack());
    const second = caller.call(operations.place, { item: "cup" }, scene.attempt());
    const late = await server.next();
    assert.deepEqual([late.metadata[2], late.data.toString("hex")], [3, pack({ item: "cup" })]);
    server.send(
      `00000001 2860 ${text('{"id":"o-1"}')}`, // the first one was asked as JSON
      `00000003 2860 ${pack({ id: "o-2" })}`,
    );
    assert.deepEqual([await first, await second], [{ id: "o-1" }, { id: "o-2" }]);
  }));

test("a server that does not speak the format is sent JSON", () =>
  play(async (scene) => {
    const { caller, peer } = await scene.call({ format: msgpack() });
    const warm = caller.call(scene.operations.place, 0, scene.attempt());
    const server = await peer();
    await server.next();
    await server.next();
    server.send(hello("json", "raw", "cbor"), `00000001 2860 ${text("1")}`);
    await warm;
    await greeted(scene, caller, undefined);
    const answer = caller.call(scene.operations.place, [2], scene.attempt());
    const request = await server.next();
    assert.deepEqual([request.metadata[2], request.data.toString()], [1, "[2]"]);
    server.send(`00000003 2860 ${text("2")}`);
    assert.equal(await answer, 2);
  }));

test("bytes stay bytes, and the answer comes in the format", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    const seen: unknown[] = [];
    services.answer(operations.seen, (input) => void seen.push(Buffer.from(input as Uint8Array)));
    await scene.serve({ formats: [msgpack()] });
    const peer = await scene.dial();
    peer.send(setup("json", "raw", "msgpack"), `00000001 1500 000021 0002 03 ${rest} 00ff`);
    await scene.turns(5);
    assert.deepEqual(seen, [Buffer.from("00ff", "hex")]);
  }));

test("a request is answered in the format that it is asked in: answer, items and all items of a channel", () =>
  play(async (scene) => {
    const { services, operations, channels } = scene;
    services.answer(operations.place, (input) => ({ got: input }));
    services.produce(operations.watch, async (input, _incoming, sink) => sink.put({ of: input }));
    services.converse(channels.talk, async (_head, items, _incoming, sink) => {
      for await (const item of items.open((each) => each)) sink.put({ heard: item });
    });
    await scene.serve({ formats: [cbor(), msgpack()] });
    const peer = await scene.dial();
    peer.send(setup("json", "raw", "msgpack"));
    const said = JSON.parse((await peer.next()).metadata.toString()) as { codecs: unknown };
    assert.deepEqual(said.codecs, ["json", "raw", "cbor", "msgpack"]);

    peer.send(`00000001 1100 000021 0000 03 ${rest} ${pack({ item: "kettle" })}`);
    assert.equal((await peer.next()).data.toString("hex"), pack({ got: { item: "kettle" } }));
    peer.send(`00000003 1100 000021 0000 01 ${rest} ${text('{"item":"cup"}')}`);
    assert.equal((await peer.next()).data.toString(), '{"got":{"item":"cup"}}');
    peer.send(`00000005 1900 00000008 000021 0001 03 ${rest} ${pack("o-1")}`);
    assert.equal((await peer.next()).data.toString("hex"), pack({ of: "o-1" }));
    assert.equal((await peer.next()).hex, "000000052840");
    peer.send(`00000007 1d00 00000008 000021 0004 03 ${rest}`);
    assert.equal((await peer.next()).type, "REQUEST_N");
    peer.send(`00000007 2860 ${pack([1, 2])}`);
    assert.equal((await peer.next()).data.toString("hex"), pack({ heard: [1, 2] }));
    assert.equal((await peer.next()).hex, "000000072840");
  }));

test("what cannot be read, and a format that is not spoken, are refused before anything ran", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve({ formats: [msgpack()] });
    const peer = await scene.dial();
    peer.send(setup("json", "raw", "msgpack"), `00000001 1100 000021 0000 03 ${rest} c1`);
    const unreadable = (await peer.next("METADATA_PUSH")).data.toString();
    assert.match(unreadable, /"INVALID_ARGUMENT","executed":"no".*cannot be read as msgpack/);
    peer.send(`00000003 1100 000021 0000 04 ${rest} 01`);
    assert.match((await peer.next()).data.toString(), /"UNIMPLEMENTED","executed":"no"/);
    assert.equal(services.begun.length, 0);
  }));

test("a format that cannot carry an operation is refused by both sides, without anything run", () =>
  play(async (scene) => {
    const picky: Format = {
      ...msgpack(),
      codec() {
        throw systemError("INVALID_ARGUMENT", "no such thing here", { executed: "no" });
      },
    };
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve({ formats: [picky] });
    const peer = await scene.dial();
    peer.send(setup("json", "raw", "msgpack"), `00000001 1100 000021 0000 03 ${rest} 01`);
    const refusal = (await peer.next("METADATA_PUSH")).data.toString();
    assert.match(refusal, /"UNIMPLEMENTED","executed":"no".*no such thing here/);
    const caller = scene.connect({ format: picky });
    assert.equal(await caller.call(operations.place, 0, scene.attempt()), 1);
    await greeted(scene, caller, picky);
    await assert.rejects(caller.call(operations.place, 0, scene.attempt()), {
      code: "INVALID_ARGUMENT",
      executed: "no",
    });
  }));

test("a request that moves to a server which does not speak its format is written as JSON there", () =>
  play(async (scene) => {
    const { operations } = scene;
    const peers: FramePeer[] = [];
    const dialledAgain = Promise.withResolvers<FramePeer>();
    await scene.listen((peer) => {
      if (peers.push(peer) === 2) dialledAgain.resolve(peer);
    });
    const caller = scene.connect({ format: msgpack() });
    const warm = caller.call(operations.place, 0, scene.attempt());
    await scene.turns(5);
    const [server] = peers;
    server!.send(hello("json", "msgpack"), `00000001 2860 ${text("1")}`);
    await warm;
    const input = { item: "kettle" };
    const moved = caller.call(operations.place, input, scene.attempt());
    input.item = "changed meanwhile";
    await scene.turns(5);
    assert.equal(server!.frames.at(-1)?.data.toString("hex"), pack({ item: "kettle" }));
    // The server drains and refuses: the caller dials again, and does not know yet what it will find.
    server!.send(
      `00000000 2c00 00000102 ${text("the server is shutting down")}`,
      `00000003 2c00 00000202 ${text('{"code":"UNAVAILABLE","executed":"no","reason":"draining"}')}`,
    );
    const other = await dialledAgain.promise;
    const again = await other.next("SETUP");
    assert.deepEqual([again.metadata[2], again.data.toString()], [1, '{"item":"kettle"}']);
    other.send(`00000001 2860 ${text("2")}`);
    assert.equal(await moved, 2);
  }));

test("who is called back is spoken to in the format that its caller has chosen", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (input, incoming) =>
      callbackTo(incoming.peer)!.call(operations.place, input, scene.attempt()),
    );
    await scene.serve({ formats: [cbor(), msgpack()] });
    const peer = await scene.dial();
    peer.send(
      setup("json", "raw", "msgpack"),
      `00000001 1100 000021 0000 01 ${rest} ${text("[1]")}`,
    );
    const back = await peer.next("METADATA_PUSH");
    assert.deepEqual([back.type, back.streamId, back.metadata[2]], ["REQUEST_RESPONSE", 2, 3]);
    assert.equal(back.data.toString("hex"), pack([1]));
    peer.send(`00000002 2860 ${pack({ id: "o-1" })}`);
    assert.equal((await peer.next()).data.toString(), '{"id":"o-1"}'); // asked as JSON, answered as JSON
  }));

/** A SETUP as libraries of RSocket write it. */
function foreignSetup(dataMime: string): string {
  const sized = (mime: string): string => mime.length.toString(16).padStart(2, "0") + text(mime);
  const metadataMime = "message/x.rsocket.composite-metadata.v0";
  return `00000000 0400 0001 0000 00004e20 00015f90 ${sized(metadataMime)} ${sized(dataMime)}`;
}

/** Composite metadata with the route `orders.place`, and with a data type when one is given. */
function routed(dataMime?: string): string {
  const route = `fe 00000d 0c ${text("orders.place")}`;
  if (dataMime === undefined) return route;
  const name = `${(dataMime.length - 1).toString(16).padStart(2, "0")} ${text(dataMime)}`;
  return `${route} fa ${(dataMime.length + 1).toString(16).padStart(6, "0")} ${name}`;
}

function foreignRequest(streamId: number, metadata: string, data: string): string {
  const length = (metadata.replaceAll(" ", "").length / 2).toString(16).padStart(6, "0");
  return `${streamId.toString(16).padStart(8, "0")} 1100 ${length} ${metadata} ${data}`;
}

test("a foreign client is served in the data type of its SETUP, or of a request, where that is spoken", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (input) => [input]);
    await scene.serve({ formats: [msgpack(), cbor()] });
    const peer = await scene.dial();
    const answer = async (): Promise<string> => (await peer.next()).data.toString("hex");
    peer.send(foreignSetup("application/cbor"));
    peer.send(foreignRequest(1, routed(), "a1616101"));
    assert.equal(await answer(), "81a1616101");
    peer.send(foreignRequest(3, routed("application/json;charset=utf-8"), text('{"a":1}')));
    assert.equal(await answer(), text('[{"a":1}]'));
    peer.send(foreignRequest(5, routed("application/x-msgpack"), "81a16101"));
    assert.equal(await answer(), "9181a16101");
    peer.send(foreignRequest(7, routed("application/xml"), text("<a/>")));
    assert.match(
      (await peer.next()).data.toString(),
      /UNIMPLEMENTED.*takes JSON, not application\/xml/,
    );
  }));

test("a foreign client whose data type nobody speaks here is served as JSON", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (input) => [input]);
    await scene.serve({ formats: [msgpack()] });
    const peer = await scene.dial();
    peer.send(foreignSetup("application/cbor"), foreignRequest(1, routed(), text('{"a":1}')));
    assert.equal((await peer.next()).data.toString(), '[{"a":1}]');
  }));

test("a server that was said to be foreign is told the format, and spoken to in it from the first request on", () =>
  play(async (scene) => {
    const { operations } = scene;
    const { caller, peer } = await scene.call({ format: cbor(), metadata: "composite" });
    const answer = caller.call(operations.place, { a: 1 }, scene.attempt());
    const server = await peer();
    const said = Buffer.from((await server.next()).hex, "hex").toString("latin1");
    assert.match(said, /composite-metadata\.v0.application\/cbor$/s);
    assert.equal((await server.next()).data.toString("hex"), "a1616101");
    server.send("00000001 2860 81a1616101");
    assert.deepEqual(await answer, [{ a: 1 }]);
  }));
