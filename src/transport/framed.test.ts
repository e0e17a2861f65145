import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { mock, test } from "node:test";

import * as fc from "fast-check";

import { RulesBroken, type ByteSink, type ByteStream } from "./byte-stream.ts";
import { framed } from "./framed.ts";
import { slabBytes } from "../base/slab.ts";
import { numbered, send } from "./suite/frames.ts";
import { Recorder } from "./suite/recorder.ts";
import { SteppedEnv } from "./suite/stepped-env.ts";
import type { Mover } from "./mover.ts";
import type { ConnectionOptions } from "./transport.ts";

/** A stream whose other end is the test: what is written waits until it is confirmed. */
class ScriptedStream implements ByteStream {
  sink: ByteSink | undefined;
  readonly calls: string[] = [];
  readonly writes: { bytes: Uint8Array; written: (error?: Error | null) => void }[] = [];
  /** What has been confirmed, in order. */
  sent: Buffer = Buffer.alloc(0);
  /** Whether writes are taken at once, as by a socket whose peer reads. */
  swift = false;

  open(sink: ByteSink): void {
    this.sink = sink;
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    this.writes.push({ bytes, written });
  }

  get busy(): boolean {
    return this.writes.length > 0 && !this.swift;
  }

  /** Confirms the oldest write. */
  confirm(): void {
    const { bytes, written } = this.writes.shift()!;
    this.sent = Buffer.concat([this.sent, bytes]);
    written();
  }

  feed(bytes: Buffer): void {
    this.sink!.bytes(Buffer.concat([bytes]), 0, bytes.length);
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }
}

interface Opened {
  readonly stream: ScriptedStream;
  readonly env: SteppedEnv;
  readonly recorder: Recorder;
}

function open(options: ConnectionOptions = {}): Opened {
  const stream = new ScriptedStream();
  const env = new SteppedEnv();
  const recorder = new Recorder(framed(stream, { address: "test:", sameHost: true }, options, env));
  return { stream, env, recorder: recorder.open() };
}

function onWire(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(frames.flatMap((frame) => [header(frame.length), frame]));
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(length, 0, 3);
  return bytes;
}

const anyFrames = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 300_000 }) },
    ),
    { maxLength: 60 },
  )
  .map((sizes) => sizes.map((size, index) => numbered(index, size)));

test("frames that arrive byte by byte are delivered whole", () => {
  const { stream, recorder } = open();
  const sent = [0, 1, 5, 0, 300, 70_000].map((size, index) => numbered(index, size));
  for (const byte of onWire(sent)) stream.feed(Buffer.of(byte));
  deepEqual(recorder.frames, sent);
  deepEqual(recorder.violations, []);
});

test("frames are delivered whole and in order however the bytes are cut and the receiver pauses", () => {
  fc.assert(
    fc.property(
      anyFrames,
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (sent, cuts, pauses) => {
        const { stream, env, recorder } = open();
        recorder.onFrame = ({ length }) => {
          if (pauses[(recorder.frames.length + length) % pauses.length] === true) recorder.pause();
        };
        const bytes = onWire(sent);
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const to = Math.min(bytes.length, at + cuts[cut % cuts.length]!);
          stream.feed(bytes.subarray(at, to));
          at = to;
          // Some chunks still come after a pause.
          if (cut % 3 === 0) recorder.resume();
          if (cut % 2 === 0) env.step();
        }
        for (let rounds = 0; rounds <= sent.length; rounds++) {
          recorder.resume();
          while (env.step());
        }
        stream.sink!.ended();
        equal(recorder.frames.length, sent.length);
        ok(recorder.frames.every((frame, index) => frame.equals(sent[index]!)));
        deepEqual([recorder.violations, recorder.ends], [[], 1]);
      },
    ),
    { numRuns: 200 },
  );
});

test("what is written is the frames, each after its length, however writes are confirmed", () => {
  fc.assert(
    fc.property(anyFrames, fc.array(fc.nat(4), { minLength: 1 }), (sent, script) => {
      const { stream, env, recorder } = open();
      sent.forEach((frame, index) => {
        const act = script[index % script.length]!;
        stream.swift = act === 4;
        if (act === 0) recorder.connection.claim(frame.length * 2);
        send(recorder.connection, frame);
        if (act >= 2) env.step();
        if (act >= 3 && stream.writes.length > 0) stream.confirm();
      });
      while (env.step() || stream.writes.length > 0) if (stream.writes.length > 0) stream.confirm();
      ok(stream.sent.equals(onWire(sent)));
      equal(recorder.connection.outgoing.length, 0, "an idle connection holds no memory");
    }),
    { numRuns: 200 },
  );
});

test("the frames of one turn leave in one write", () => {
  const { stream, env, recorder } = open();
  const sent = Array.from({ length: 20 }, (_, i) => numbered(i, 100));
  for (const frame of sent) send(recorder.connection, frame);
  equal(stream.writes.length, 0);
  env.step();
  equal(stream.writes.length, 1);
  ok(onWire(sent).equals(stream.writes[0]!.bytes));
});

test("a batch leaves before the turn is over when it has 32 frames", () => {
  const { stream, recorder } = open();
  for (let i = 0; i < 31; i++) send(recorder.connection, numbered(i, 10));
  equal(stream.writes.length, 0);
  send(recorder.connection, numbered(31, 10));
  equal(stream.writes.length, 1);
});

test("a batch leaves before the turn is over when the slab is full", () => {
  const { stream, recorder } = open();
  send(recorder.connection, numbered(0, slabBytes - 100));
  equal(stream.writes.length, 0);
  send(recorder.connection, numbered(1, 100));
  equal(stream.writes.length, 1);
});

test("frames that are committed while the stream is busy leave together when it is free", () => {
  const { stream, env, recorder } = open();
  const sent = Array.from({ length: 200 }, (_, i) => numbered(i, 100));
  for (const frame of sent) {
    send(recorder.connection, frame);
    env.step();
  }
  equal(stream.writes.length, 1);
  stream.confirm();
  equal(stream.writes.length, 1);
  stream.confirm();
  ok(stream.sent.equals(onWire(sent)));
});

test("memory is not used again before its write is confirmed", () => {
  const { stream, env, recorder } = open();
  stream.swift = true;
  const sent = Array.from({ length: 300 }, (_, i) => numbered(i, 1_000));
  for (const frame of sent) {
    send(recorder.connection, frame);
    env.step();
  }
  const other = open();
  for (let i = 0; i < 100; i++) send(other.recorder.connection, numbered(-1, 1_000));
  while (stream.writes.length > 0) stream.confirm();
  ok(stream.sent.equals(onWire(sent)));
});

test("writable is false above the high mark and drain follows at half of it", () => {
  const { stream, env, recorder } = open({ outgoingBytesHigh: 1_000 });
  stream.swift = true;
  for (let i = 0; i < 10; i++) {
    equal(recorder.connection.writable, true);
    send(recorder.connection, numbered(i, 97));
    env.step();
  }
  equal(recorder.connection.writable, true);
  send(recorder.connection, numbered(10, 97));
  equal(recorder.connection.writable, false);
  env.step();
  for (let i = 0; i < 5; i++) stream.confirm();
  deepEqual([recorder.drains, recorder.connection.writable], [0, false]);
  stream.confirm();
  deepEqual([recorder.drains, recorder.connection.writable], [1, true]);
});

test("a frame that does not lie in its claim is refused", () => {
  const { recorder } = open();
  const at = recorder.connection.claim(10);
  throws(() => recorder.connection.commit(at - 1), RangeError);
  const large = recorder.connection.claim(100_000);
  throws(() => recorder.connection.commit(large + 100_001), RangeError);
});

test("an announced frame that is too large breaks the connection after the frames before it", () => {
  for (const cut of [1, 4, 14, 15, 16, 1_000]) {
    const { stream, env, recorder } = open({ frameBytesMax: 1_000 });
    const bytes = Buffer.concat([onWire([numbered(0, 10)]), header(1_001), numbered(1, 2_000)]);
    for (let at = 0; at < bytes.length; at += cut) stream.feed(bytes.subarray(at, at + cut));
    env.step();
    deepEqual(recorder.frames, [numbered(0, 10)]);
    equal(recorder.reason?.kind, "broken");
    deepEqual(stream.calls, ["destroy"]);
  }
});

test("random bytes never deliver a frame that is too large and never throw", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
      const { stream, env, recorder } = open({ frameBytesMax: 300 });
      for (const chunk of chunks) stream.feed(Buffer.from(chunk));
      while (env.step());
      ok(recorder.frames.every((frame) => frame.length <= 300));
      deepEqual(recorder.violations, []);
    }),
  );
});

test("sixteen announced megabytes that never come hold no memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  const opened = Array.from({ length: 200 }, () => open());
  const bytes = Buffer.concat([header(0xff_ffff), numbered(0, 1_000)]);
  for (const { stream } of opened) stream.feed(bytes);
  const held = (process.memoryUsage().arrayBuffers - before) / opened.length;
  ok(held < 8 * 1_024, `${held} bytes a connection`);
});

test("a frame of 4 MiB in chunks of 64 KiB is copied little more than once", () => {
  const { stream, recorder } = open();
  const sent = [numbered(0, 4 * 1_024 * 1_024)];
  const bytes = onWire(sent);
  let copied = 0;
  const { copy } = Buffer.prototype;
  const spy = mock.method(
    Buffer.prototype,
    "copy",
    function (this: Buffer, ...args: Parameters<Buffer["copy"]>) {
      const count = copy.apply(this, args);
      copied += count;
      return count;
    },
  );
  for (let at = 0; at < bytes.length; at += 65_536) {
    const to = Math.min(bytes.length, at + 65_536);
    stream.sink!.bytes(bytes, at, to);
  }
  spy.mock.restore();
  ok(recorder.frames[0]!.equals(sent[0]!));
  ok(copied < 1.5 * bytes.length, `${copied} of ${bytes.length} bytes`);
});

test("whole frames are passed on where they stand, without a copy", () => {
  const { stream, recorder } = open();
  const chunk = onWire([numbered(0, 100), numbered(1, 200)]);
  const memories: Buffer[] = [];
  recorder.frame = (memory) => void memories.push(memory);
  stream.sink!.bytes(chunk, 0, chunk.length);
  deepEqual(
    memories.map((memory) => memory === chunk),
    [true, true],
  );
});

test("an end in the middle of a frame is a loss, not an end", () => {
  const { stream, env, recorder } = open();
  stream.feed(onWire([numbered(0, 10)]).subarray(0, 7));
  stream.sink!.ended();
  env.step();
  deepEqual([recorder.ends, recorder.reason?.kind], [0, "lost"]);
});

test("an end during a pause is told after the frames that were held back", () => {
  const { stream, env, recorder } = open();
  const sent = [0, 1, 2].map((number) => numbered(number, 10));
  recorder.onFrame = () => recorder.pause();
  stream.feed(onWire(sent));
  stream.sink!.ended();
  for (let count = 1; count <= 3; count++) {
    deepEqual([recorder.frames.length, recorder.ends], [count, 0]);
    recorder.resume();
    while (env.step());
  }
  equal(recorder.ends, 1);
  deepEqual(recorder.frames, sent);
});

test("ending hands over what was committed and then ends the stream", () => {
  const { stream, recorder } = open();
  send(recorder.connection, numbered(0, 10));
  recorder.connection.end();
  ok(onWire([numbered(0, 10)]).equals(stream.writes[0]!.bytes));
  deepEqual(stream.calls, ["end"]);
});

test("a receiver that throws loses the connection, and its error surfaces", () => {
  const { stream, env, recorder } = open();
  recorder.onFrame = () => {
    throw new Error("a mistake of the receiver");
  };
  throws(() => stream.feed(onWire([numbered(0, 10), numbered(1, 10)])), /a mistake/);
  env.step();
  deepEqual([recorder.frames.length, recorder.reason?.kind], [1, "destroyed"]);
  deepEqual(stream.calls, ["destroy"]);
});

test("an error of the system closes as lost, and confirmations that still come do no harm", () => {
  const { stream, env, recorder } = open({ outgoingBytesHigh: 10 });
  send(recorder.connection, numbered(0, 100));
  env.step();
  const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const [write] = stream.writes;
  write!.written(error);
  stream.sink!.closed(error);
  write!.written();
  while (env.step());
  deepEqual(recorder.closings, [{ kind: "lost", message: "the peer is gone (EPIPE)" }]);
  deepEqual([recorder.drains, recorder.violations], [0, []]);
  notEqual(recorder.connection.outgoing.length, slabBytes);
});

test("a peer that breaks the rules of the way below closes as broken", () => {
  const { stream, env, recorder } = open();
  stream.sink!.closed(new RulesBroken("no sense"));
  while (env.step());
  deepEqual(recorder.closings, [{ kind: "broken", message: "no sense" }]);
});

test("a peer that sends without end while a word of it is waited for is hung up on", () => {
  const stream = new ScriptedStream();
  const env = new SteppedEnv();
  const mover = { waits: true, attach: () => {} } as unknown as Mover;
  const peer = { address: "test:", sameHost: true };
  const recorder = new Recorder(framed(stream, peer, {}, env, mover)).open();
  recorder.pause();
  const batch = onWire(Array.from({ length: 4 }, () => Buffer.alloc(4 * 1024 * 1024)));
  const feed = (): void => stream.sink!.bytes(batch, 0, batch.length);
  for (let batches = 0; batches < 7; batches++) feed();
  deepEqual(stream.calls, []);
  feed();
  env.step();
  deepEqual(stream.calls, ["destroy"]);
  equal(recorder.reason?.kind, "broken");
});
