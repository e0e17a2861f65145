import { deepEqual, equal, ok } from "node:assert/strict";
import { framed } from "../src/transport/framed.ts";
import type { CloseReason } from "../src/transport/transport.ts";
import { BytePipe } from "./byte-pipe.ts";
import { anyFrame } from "./frames.ts";
import type { Input, Target } from "./target.ts";
import { FuzzEnv } from "./fuzz-env.ts";

/**
 * The adapter that cuts bytes into frames: however the bytes are chopped and whenever the receiver pauses, the frames
 * that come out are those that went in, up to the first impossible one; then the connection says what was wrong.
 */
export const framedBytes: Target = { name: "framed", batch: 20, run };

const frameBytesMax = 3_000;

async function run(input: Input): Promise<void> {
  const env = new FuzzEnv(input.seed);
  const pipe = new BytePipe(env);
  const connection = framed(pipe, { address: "fuzz:", sameHost: true }, { frameBytesMax }, env);
  const expected = expectation(input);
  const got: string[] = [];
  const reasons: CloseReason[] = [];
  let endings = 0;
  let paused = false;
  let everPaused = false;

  connection.open({
    frame: (memory, from, to) => {
      ok(reasons.length === 0 && endings === 0, "a frame after the end");
      ok(!paused, "a frame while paused");
      got.push(memory.toString("hex", from, to));
      if (!input.once(6)) return;
      connection.pause();
      paused = everPaused = true;
    },
    drain: () => {},
    ended: () => endings++,
    closed: (reason) => reasons.push(reason),
  });

  for (const chunk of chunks(input, expected.bytes)) {
    input.note("bytes", chunk);
    pipe.feed(chunk);
    if (input.once(2)) await env.rest();
    if (paused && input.once(2)) {
      connection.resume();
      paused = false;
    }
  }
  pipe.feedEnd(expected.lost ? "lost" : "end");
  while (true) {
    await env.rest();
    if (!paused) break;
    connection.resume();
    paused = false;
  }

  deepEqual(got, expected.frames);
  judge(expected.outcome, reasons, endings, everPaused);
  connection.destroy("the test is over");
  await env.rest();
  equal(reasons.length, 1, "closed exactly once");
  equal(env.alarms, 0);
}

function judge(
  outcome: Expected["outcome"],
  reasons: readonly CloseReason[],
  endings: number,
  everPaused: boolean,
): void {
  if (outcome === "whole") {
    equal(endings, 1, "the end is told once");
    equal(reasons.length, 0);
  } else {
    equal(endings, 0);
    // An impossible length that came during a pause may be told as the end in the middle of a frame, which it is too.
    if (everPaused && outcome === "broken" && reasons[0]?.kind === "lost") return;
    equal(reasons[0]?.kind, outcome);
  }
}

interface Expected {
  readonly bytes: Buffer;
  readonly frames: readonly string[];
  /** Ends by a reset instead of an orderly end. */
  readonly lost: boolean;
  readonly outcome: "whole" | "broken" | "lost";
}

function expectation(input: Input): Expected {
  const parts: Buffer[] = [];
  const frames: string[] = [];
  for (let left = input.between(0, 12); left > 0; left--) {
    const frame = input.once(10) ? input.bytes(input.between(0, frameBytesMax)) : anyFrame(input);
    const fits = frame.length <= frameBytesMax;
    parts.push(lengthOf(frame.length), frame);
    if (!fits)
      return {
        bytes: Buffer.concat([...parts, input.bytes(20)]),
        frames,
        lost: false,
        outcome: "broken",
      };
    frames.push(frame.toString("hex"));
  }
  if (input.once(4)) {
    const length = input.between(frameBytesMax + 1, 0xff_ffff);
    parts.push(lengthOf(length), input.bytes(input.between(0, 9)));
    return { bytes: Buffer.concat(parts), frames, lost: false, outcome: "broken" };
  }
  if (input.once(4)) {
    const length = input.between(1, frameBytesMax);
    const cut = Buffer.concat([lengthOf(length), input.bytes(length)]);
    parts.push(cut.subarray(0, input.between(1, cut.length - 1)));
    return { bytes: Buffer.concat(parts), frames, lost: input.once(2), outcome: "lost" };
  }
  const lost = input.once(4);
  return { bytes: Buffer.concat(parts), frames, lost, outcome: lost ? "lost" : "whole" };
}

function lengthOf(length: number): Buffer {
  return Buffer.from([length >>> 16, length >>> 8, length]);
}

function* chunks(input: Input, bytes: Buffer): Generator<Buffer> {
  const most = input.pick([1, 4, 40, 4_000, 70_000]);
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + input.between(1, most));
    yield bytes.subarray(at, to);
    at = to;
  }
}
