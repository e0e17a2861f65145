import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "../../wire/error-code.ts";
import { declare } from "../suite/declare.ts";
import type { FramePeer, SeenFrame } from "./frame-peer.ts";
import { FrameScene, hex, text, traceparent } from "./frame-scene.ts";

/*
 * Goal: clients that are not Trunkline are served, by the metadata types of RSocket's extensions, and refused in a way
 * that they understand.
 */

const { play } = FrameScene;

const composite = "message/x.rsocket.composite-metadata.v0";
const routing = "message/x.rsocket.routing.v0";
const traceIds = "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7";

function sized(bytes: number, content: string): string {
  return (hex(content).length / 2).toString(16).padStart(2 * bytes, "0") + hex(content);
}

/** A SETUP as rsocket-java writes it, with metadata or without. */
function setup(metadataMime: string, metadata?: string, data = ""): string {
  const dataMime = "application/cbor";
  return `
    00000000 ${metadata === undefined ? "0400" : "0500"} 0001 0000 00004e20 00015f90
    ${sized(1, text(metadataMime))} ${sized(1, text(dataMime))}
    ${metadata === undefined ? "" : sized(3, metadata)} ${text(data)}`;
}

const route = (...tags: string[]): string => tags.map((tag) => sized(1, text(tag))).join("");
const routed = (...tags: string[]): string => `fe ${sized(3, route(...tags))}`;
const bearer = (token: string): string => `fc ${sized(3, `81 ${text(token)}`)}`;
const own = (json: string): string =>
  `${(callMime.length - 1).toString(16)} ${text(callMime)} ${sized(3, text(json))}`;
const callMime = "application/vnd.trunkline.call.v1+json";

/** A REQUEST_RESPONSE. */
function request(streamId: number, metadata: string, data: string): string {
  return `${streamId.toString(16).padStart(8, "0")} 1100 ${sized(3, metadata)} ${text(data)}`;
}

async function refusal(peer: FramePeer): Promise<[number, Record<string, unknown>]> {
  const { type, errorCode, data } = await peer.next();
  assert.equal(type, "ERROR");
  return [errorCode, JSON.parse(data.toString()) as Record<string, unknown>];
}

test("a request with composite metadata is served with all that it says, and nothing is pushed to its sender", () =>
  play(async (scene) => {
    const { services, operations, env } = scene;
    services.answer(operations.place, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    const metadata =
      routed("orders.place") +
      `fd ${sized(3, `a8 ${traceIds}`)}` +
      `fa 000001 85` +
      bearer("t0k") +
      own(
        '{"timeLeftMs":1500,"totalMs":60000,"idempotencyKey":"key-1","headers":{"Tenant":"acme"}}',
      );
    peer.send(setup(composite), request(1, metadata, '{"item":"kettle"}'));
    assert.equal((await peer.next()).hex, hex(`00000001 2860 ${text('{"item":"kettle"}')}`));
    const [place] = services.begun;
    assert.deepEqual([place?.deadlineAt, place?.totalAt], [env.now() + 1_500, env.now() + 60_000]);
    assert.equal(place?.idempotencyKey, "key-1");
    assert.deepEqual({ ...place?.headers }, { tenant: "acme", authorization: "Bearer t0k" });
    assert.equal(place?.trace?.traceparent, traceparent);
    assert.deepEqual(peer.frames, []);
  }));

test("a request with nothing but a route has no deadline, no trace and no headers", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(routing, undefined, "who cares"), request(1, route("orders@1/place"), "0"));
    assert.equal((await peer.next()).hex, hex(`00000001 2860 ${text("1")}`));
    const [place] = services.begun;
    assert.deepEqual([place?.deadlineAt, place?.totalAt], [Infinity, Infinity]);
    assert.deepEqual(
      [place?.trace, place?.idempotencyKey, { ...place?.headers }],
      [undefined, undefined, {}],
    );
  }));

test("a plain route finds the highest version that serves it, a wire name its own, whatever stands beside it", () =>
  play(async (scene) => {
    const { services } = scene;
    for (const major of [2, 1]) {
      const operations = declare("orders", major, { place: { kind: "call" } });
      services.answer(operations.place, () => major);
    }
    const { drop } = declare("orders", 1, { drop: { kind: "call" } });
    services.answer(drop, () => "dropped");
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite));
    const rows: [tags: string[], answer: unknown][] = [
      [["orders.place"], 2],
      [["orders.place"], 2],
      [["orders.drop"], "dropped"],
      [["orders@1/place"], 1],
      [["orders.place", "orders@1/place"], 1],
      [["orders.place", "for people"], 2],
    ];
    for (const [index, [tags, answer]] of rows.entries()) {
      peer.send(request(2 * index + 1, routed(...tags), "0"));
      assert.equal((await peer.next()).data.toString(), JSON.stringify(answer), String(tags));
    }
  }));

test("what is not served is refused before anything ran, with the name that was asked for", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite));
    const unserved = [
      "orders@2/place",
      "orders@01/place",
      "orders.drop",
      "orders",
      "",
      "a.b.c",
      "@1/",
      "orders.place ",
    ];
    for (const [index, tag] of unserved.entries()) {
      peer.send(request(2 * index + 1, routed(tag), "0"));
      const [code, body] = await refusal(peer);
      assert.equal(code, ErrorCode.REJECTED);
      assert.deepEqual(
        [body["code"], body["executed"], body["reason"]],
        ["UNIMPLEMENTED", "no", `this server does not serve ${tag}`],
      );
    }
    peer.send(request(101, routed("orders.place", "orders@2/place"), "0"));
    assert.equal((await refusal(peer))[1]["reason"], "this server does not serve orders@2/place");
    peer.send(`00000067 1900 00000001 ${sized(3, routed("orders.place"))} ${text("0")}`);
    const [, body] = await refusal(peer);
    assert.match(String(body["reason"]), /orders.place is a call, it was asked as something else/);
    assert.equal(services.begun.length, 0);
  }));

test("metadata that is missing, malformed or says nothing of a route is an invalid argument, and nothing ran", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve();
    for (const [mime, metadata, reason] of [
      [composite, undefined, /no route/],
      [composite, "", /no route/],
      [composite, bearer("t"), /no route/],
      [composite, "fe 0000", /ends within the length/],
      [composite, `${routed("orders.place")} ${own("{")}`, /is not JSON/],
      [routing, undefined, /no route/],
      [routing, "05", /a tag is longer/],
    ] as const) {
      const peer = await scene.dial();
      const frame =
        metadata === undefined ? `00000001 1000 ${text("0")}` : request(1, metadata, "0");
      peer.send(setup(mime), frame);
      const [code, body] = await refusal(peer);
      assert.equal(code, ErrorCode.INVALID);
      assert.deepEqual([body["code"], body["executed"]], ["INVALID_ARGUMENT", "no"]);
      assert.match(String(body["reason"]), reason);
    }
    assert.equal(services.begun.length, 0);
  }));

test("data is read by the operation's codec whatever the SETUP says; a type of the request that contradicts it is refused", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    const { scan } = declare("orders", 1, { scan: { kind: "call", in: "raw", out: "raw" } });
    services.answer(operations.place, (input) => input);
    services.answer(scan, (input) => input);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite));
    const typed = (tag: string, type: string): string =>
      `${routed(tag)} fa ${sized(3, `${(type.length - 1).toString(16).padStart(2, "0")} ${text(type)}`)}`;
    const good = [
      ["orders.place", "application/json"],
      ["orders.place", "Application/JSON; charset=utf-8"],
      ["orders.place", "application/vnd.acme.order+json"],
      ["orders.scan", "application/octet-stream"],
      ["orders.scan", "image/png"],
    ];
    for (const [index, [tag, type]] of good.entries()) {
      peer.send(request(2 * index + 1, typed(tag!, type!), "7"));
      assert.equal((await peer.next()).data.toString(), "7", type);
    }
    peer.send(request(101, `${routed("orders.place")} fa 000001 81`, "7"));
    const [code, body] = await refusal(peer);
    assert.deepEqual(
      [code, body["code"], body["executed"], body["reason"]],
      [ErrorCode.REJECTED, "UNIMPLEMENTED", "no", "orders.place takes JSON, not application/cbor"],
    );
    peer.send(request(103, typed("orders.place", "application/jsonx"), "7"));
    assert.equal((await refusal(peer))[0], ErrorCode.REJECTED);
  }));

test("credentials in a SETUP count for all requests of the connection that bring none of their own", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, (_input, { headers }) => headers["authorization"]);
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite, bearer("all")));
    peer.send(request(1, routed("orders.place"), "0"));
    assert.equal((await peer.next()).data.toString(), '"Bearer all"');
    peer.send(request(3, routed("orders.place") + bearer("one"), "0"));
    assert.equal((await peer.next()).data.toString(), '"Bearer one"');
  }));

test("a SETUP that nobody here can serve is refused with its reason, before any request", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve();
    const rows: [frame: string, code: number, reason: RegExp][] = [
      [
        setup("application/json"),
        ErrorCode.UNSUPPORTED_SETUP,
        /type application\/json is not supported/,
      ],
      [setup(""), ErrorCode.UNSUPPORTED_SETUP, /is not supported/],
      [setup(composite, "fe 00"), ErrorCode.INVALID_SETUP, /ends within the length/],
      [setup("application/vnd.trunkline.v1"), ErrorCode.INVALID_SETUP, /not an introduction/],
    ];
    for (const [frame, code, reason] of rows) {
      const peer = await scene.dial();
      peer.send(frame, request(1, routed("orders.place"), "0"));
      const refused: SeenFrame = await peer.next();
      assert.deepEqual([refused.type, refused.streamId, refused.errorCode], ["ERROR", 0, code]);
      assert.match(refused.data.toString(), reason);
      await peer.ending();
    }
    assert.equal(services.begun.length, 0);
  }));

test("what a foreign client pushes is ignored, and it is served on", () =>
  play(async (scene) => {
    const { services, operations } = scene;
    services.answer(operations.place, () => 1);
    await scene.serve();
    const peer = await scene.dial();
    const contracts = '{"contracts":[["orders",1,"",["place"]]]}';
    peer.send(
      setup(composite),
      `00000000 3100 ${text(contracts)}`,
      `00000000 3100 ${routed("refresh")}`,
    );
    peer.send(request(1, routed("orders.place"), "0"));
    assert.equal((await peer.next()).hex, hex(`00000001 2860 ${text("1")}`));
  }));

/** A REQUEST_CHANNEL that grants one answer. */
function channel(streamId: number, metadata: string, data: string, flags = "1d00"): string {
  return `${streamId.toString(16).padStart(8, "0")} ${flags} 00000001 ${sized(3, metadata)} ${text(data)}`;
}

const item = (streamId: number, data: string): string =>
  `${streamId.toString(16).padStart(8, "0")} 2820 ${text(data)}`;

test("without a declared head the first payload of a channel is its first item, and counts as one that was granted", () =>
  play(async (scene) => {
    const { services } = scene;
    const { sum } = declare("orders", 1, { sum: { kind: "upload" } });
    services.take(sum, async (head, items) => {
      const all: unknown[] = [];
      for await (const each of items.open((as) => as)) all.push(each);
      return [head ?? "no head", ...all];
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite), channel(1, routed("orders.sum"), "0"));
    const { type, requestN } = await peer.next();
    assert.deepEqual([type, requestN], ["REQUEST_N", 7]);
    for (let next = 1; next <= 7; next++) peer.send(item(1, String(next)));
    peer.send("00000001 2840");
    assert.equal((await peer.next("REQUEST_N")).data.toString(), '["no head",0,1,2,3,4,5,6,7]');

    peer.send(channel(3, routed("orders.sum"), "5", "1d40"));
    assert.equal((await peer.next("REQUEST_N")).data.toString(), '["no head",5]');
    peer.send(channel(5, routed("orders.sum"), "", "1d40"));
    assert.equal((await peer.next("REQUEST_N")).data.toString(), '["no head"]');
    peer.send(channel(7, routed("orders.sum"), "{"));
    const [code, body] = await refusal(peer);
    assert.deepEqual([code, body["executed"]], [ErrorCode.INVALID, "no"]);
    assert.equal(services.begun.length, 3);
    assert.deepEqual(peer.frames, []);
  }));

test("a declared head is the first payload of a channel, for foreign clients too; items of bytes may be empty", () =>
  play(async (scene) => {
    const { services } = scene;
    const operations = declare("orders", 1, {
      store: { kind: "upload", head: "json" },
      echo: { kind: "duplex", in: "raw", out: "raw" },
    });
    services.take(operations.store, async (head, items) => {
      const all: unknown[] = [];
      for await (const each of items.open((as) => as)) all.push(each);
      return [head, ...all];
    });
    services.converse(operations.echo, async (_head, items, _incoming, sink) => {
      for await (const each of items.open((as) => as)) sink.put(each);
    });
    await scene.serve();
    const peer = await scene.dial();
    peer.send(setup(composite), channel(1, routed("orders.store"), '{"name":"a"}'));
    assert.equal((await peer.next()).requestN, 8);
    peer.send(item(1, "1"), "00000001 2840");
    assert.equal((await peer.next("REQUEST_N")).data.toString(), '[{"name":"a"},1]');
    peer.send(channel(3, routed("orders.echo"), "", "1d40"));
    const { type, data } = await peer.next("REQUEST_N");
    assert.deepEqual([type, data.length], ["PAYLOAD", 0]);
  }));
