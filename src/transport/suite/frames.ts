import { deepEqual, equal } from "node:assert/strict";

import { between, type Random } from "../../base/random.ts";
import type { Recorder } from "./recorder.ts";
import type { Connection } from "../transport.ts";

/** The frame with this number: its bytes tell number and place, so that a lost, doubled or mixed one is seen. */
export function numbered(number: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(bytes);
  let value = (number * 2_654_435_761) >>> 0;
  for (let at = 0; at < bytes; at++) {
    value = (value * 5 + 12_345) >>> 0;
    frame[at] = value >>> 16;
  }
  return frame;
}

/** Mostly small, as calls are, now and then one that is larger than a slab. */
export function anySize(random: Random): number {
  if (random() < 0.005) return between(random, 60_000, 200_000);
  return between(random, 0, random() < 0.1 ? 5_000 : 200);
}

/** Claims, writes and commits one frame. */
export function send(connection: Connection, frame: Uint8Array): void {
  const at = connection.claim(frame.length);
  connection.outgoing.set(frame, at);
  connection.commit(at + frame.length);
}

/** Sends all, waiting for `drain` when the connection is not writable. */
export async function sendAll(from: Recorder, frames: Iterable<Uint8Array>): Promise<void> {
  for (const frame of frames) {
    if (!from.connection.writable) await from.until(() => from.connection.writable);
    send(from.connection, frame);
  }
}

/** Waits for as many frames as were sent, and compares them. */
export async function arrived(at: Recorder, sent: readonly Buffer[]): Promise<void> {
  await at.until(() => at.frames.length >= sent.length || at.reason !== undefined);
  deepEqual(
    at.frames.map((frame) => frame.length),
    sent.map((frame) => frame.length),
  );
  const wrong = at.frames.findIndex((frame, index) => frame.compare(sent[index]!) !== 0);
  equal(wrong, -1, "all bytes are as they were sent");
}
