import { equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { connect as connect2 } from "node:http2";
import type { Duplex } from "node:stream";
import { test, type TestContext } from "node:test";

import type { HttpHandlers } from "./http-server.ts";
import { served, turns, type Place } from "./testing/http-scene.ts";

const soon = { timeout: 60_000 };
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** `:method` GET, `:path` /, `:scheme` http, `:authority` x, in HPACK. */
const get = Buffer.from([0x82, 0x84, 0x86, 0x01, 0x01, 0x78]);
const settingsFrame = frame(4, 0, 0);

/** Answers at once, and counts. */
function hello(): HttpHandlers & { begun: number } {
  return {
    begun: 0,
    request(_, response) {
      this.begun++;
      response.end("hello");
    },
  };
}

test("a peer that says nothing, or only half of what it has to, is cut off", soon, async (t) => {
  const place = await served(t, hello(), { headersMs: 50 });
  for (const said of [
    "",
    "P",
    "PRI",
    "GET / HTTP/1.1\r\nhost: x\r\n",
    preface.slice(0, 18),
    preface,
  ]) {
    const socket = await place.dial();
    socket.write(said);
    await gone(socket);
  }
  await stillServes(t, place);
});

test("a header that drips in is answered with 408, while others are served", soon, async (t) => {
  const place = await served(t, hello(), { headersMs: 100 });
  const socket = await place.dial();
  const told = textOf(socket);
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n");
  await stillServes(t, place);
  socket.write("a: b\r\n");
  match(await told, /^HTTP\/1\.1 408 /);
});

test("a body that does not come is answered with 408, or its stream is reset", soon, async (t) => {
  const place = await served(
    t,
    { request: (request) => void request.resume() },
    { headersMs: 40, requestMs: 100 },
  );
  const socket = await place.dial();
  const told = textOf(socket);
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  const session = connect2(place.origin);
  t.after(() => session.destroy());
  const stream = session.request({ ":method": "POST" });
  stream.on("error", () => {}).write("half");
  const closed = gone(stream);
  match(await told, /^HTTP\/1\.1 408 /);
  await closed;
  equal(stream.rstCode, 11);
});

test("headers past the bound are refused: 431, or a reset", soon, async (t) => {
  const handlers = hello();
  const place = await served(t, handlers, { headerBytesMax: 4_096 });
  const socket = await place.dial();
  const told = textOf(socket);
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${"x".repeat(5_000)}\r\n\r\n`);
  match(await told, /^HTTP\/1\.1 431 /);
  const session = connect2(place.origin).on("error", () => {});
  t.after(() => session.destroy());
  // Node's own client looks at what the server has told, once it has heard it.
  const stream = session.request({ ":path": "/", long: "x".repeat(5_000) });
  await once(
    stream.on("error", () => {}),
    "close",
  );
  equal(handlers.begun, 0);
  await stillServes(t, place);
});

test("a header block that never ends is cut off", soon, async (t) => {
  const handlers = hello();
  const place = await served(t, handlers);
  const socket = await place.dial();
  socket.write(preface);
  socket.write(settingsFrame);
  socket.write(frame(1, 0, 1, get));
  const flood = (): void => {
    while (socket.writable && socket.write(frame(9, 0, 1, literal("a", "b".repeat(1_000)))));
  };
  socket.on("drain", flood);
  flood();
  await gone(socket);
  equal(handlers.begun, 0);
  await stillServes(t, place);
});

test("who resets what it asks for, again and again, is cut off", soon, async (t) => {
  const handlers = hello();
  const place = await served(t, handlers, { resetsBurst: 50, resetsPerSecond: 1 });
  const socket = await place.dial();
  socket.write(preface);
  socket.write(settingsFrame);
  let id = 1;
  const flood = (): void => {
    for (let more = true; more && socket.writable; id += 2) {
      socket.write(frame(1, 0x5, id, get));
      more = socket.write(frame(3, 0, id, Buffer.from([0, 0, 0, 8])));
    }
  };
  socket.on("drain", flood);
  flood();
  await gone(socket);
  ok(handlers.begun <= 100, `${handlers.begun} were begun`);
  await stillServes(t, place);
});

for (const [what, flooding] of [
  ["SETTINGS", settingsFrame],
  ["PING", frame(6, 0, 0, Buffer.alloc(8))],
] as const) {
  test(`a flood of ${what} by a peer that does not read is cut off`, soon, async (t) => {
    const place = await served(t, hello());
    const socket = await place.dial();
    socket.pause();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(preface);
    socket.write(settingsFrame);
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => flooding));
    const flood = (): void => {
      while (socket.writable && socket.write(many));
    };
    socket.on("drain", flood);
    flood();
    await stillServes(t, place);
    await closed;
    await stillServes(t, place);
  });
}

test("too many settings in one frame are cut off", soon, async (t) => {
  const place = await served(t, hello());
  const socket = await place.dial();
  socket.write(preface);
  const setting = Buffer.from([0xff, 0, 0, 0, 0, 1]);
  socket.write(frame(4, 0, 0, Buffer.concat(Array.from({ length: 1_000 }, () => setting))));
  await gone(socket);
  await stillServes(t, place);
});

for (const [heard, outcome] of [
  [false, "refused"],
  [true, "the end of who knows the bound"],
] as const) {
  test(`streams past the bound are ${outcome}`, soon, async (t) => {
    const held: (() => void)[] = [];
    const place = await served(
      t,
      { request: (_, response) => void held.push(() => response.end()) },
      { streamsMax: 3 },
    );
    const socket = await place.dial();
    const seen: number[] = [];
    socket.on("data", (bytes: Buffer) => seen.push(...frameTypes(bytes)));
    socket.write(preface);
    socket.write(settingsFrame);
    await turns(() => seen.includes(4));
    if (heard) socket.write(frame(4, 1, 0));
    for (let id = 1; id < 20; id += 2) socket.write(frame(1, 0x5, id, get));
    const refused = (): number => seen.filter((type) => type === 3).length;
    await (heard ? gone(socket) : turns(() => refused() === 7));
    equal(held.length, 3);
    for (const end of held) end();
    await turns(() => place.server.inFlight === 0);
  });
}

test("who ends its side of HTTP/2 in the middle of a request has gone", soon, async (t) => {
  const closed = Promise.withResolvers<void>();
  const place = await served(t, {
    request: () => {},
    stream: (stream) => void stream.on("close", () => closed.resolve()),
  });
  const socket = await place.dial();
  socket.write(Buffer.concat([Buffer.from(preface), settingsFrame, frame(1, 4, 1, get)]));
  socket.resume();
  await once(socket, "data");
  socket.end();
  await closed.promise;
  await gone(socket);
  equal(place.server.inFlight, 0);
});

test("what is no HTTP at all is refused and closed", soon, async (t) => {
  const place = await served(t, hello());
  for (const said of [
    "\0\0\0\0\0\0",
    "hello?\r\n\r\n",
    "PRI! HTTP/1.1\r\n\r\n",
    `${preface}nothing that is a frame`,
  ]) {
    const socket = await place.dial();
    socket.write(said);
    await gone(socket);
  }
  await stillServes(t, place);
});

test(
  "connections without requests are closed when they have been idle for long",
  soon,
  async (t) => {
    const place = await served(t, hello(), { idleMs: 60, keepaliveMs: 20, headersMs: 50 });
    const session = connect2(place.origin);
    t.after(() => session.destroy());
    const goaway = once(session, "goaway");
    await textOf(session.request({ ":path": "/" }));
    await goaway;
    const socket = await place.dial();
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await gone(socket);
    await turns(() => place.server.connections === 0);
  },
);

test(
  "a dead peer with requests under way is noticed, and one that lives is kept",
  soon,
  async (t) => {
    let begun = 0;
    const place = await served(
      t,
      { request: () => void begun++ },
      { keepaliveMs: 20, lifetimeMs: 100, headersMs: 50 },
    );
    const living = connect2(place.origin).on("error", () => {});
    t.after(() => living.destroy());
    living.request({ ":path": "/" }).on("error", () => {});
    const dead = await place.dial();
    dead.write(preface);
    dead.write(settingsFrame);
    dead.write(frame(1, 0x5, 1, get));
    await turns(() => begun === 2);
    await gone(dead);
    await turns(() => place.server.connections === 1);
    equal(living.destroyed, false);
  },
);

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A header field without compression (RFC 7541, 6.2.2), its value below 2,000 bytes. */
function literal(name: string, value: string): Buffer {
  const rest = value.length - 127;
  const length = rest < 0 ? [value.length] : [127, (rest & 0x7f) | 0x80, rest >> 7];
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from(length),
    Buffer.from(value),
  ]);
}

/** The types of frames that came whole in one piece. */
function frameTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    types.push(bytes.readUInt8(at + 3));
  }
  return types;
}

/** Whatever it closes with. */
function gone(stream: Duplex): Promise<void> {
  stream.resume();
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once("close", resolve);
  });
}

async function stillServes(t: TestContext, place: Place): Promise<void> {
  const session = connect2(place.origin);
  t.after(() => session.destroy());
  equal(await textOf(session.request({ ":path": "/" })), "hello");
  const socket = await place.dial();
  socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  match(await textOf(socket), /^HTTP\/1\.1 200 OK[^]*hello/);
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
