import { ok } from "node:assert/strict";

import type { CloseReason, Connection, Receiver } from "../transport.ts";

/** A receiver for tests: keeps what it is told, and tells who waits for it. */
export class Recorder implements Receiver {
  readonly connection: Connection;
  /** Copies of the frames, oldest first. */
  readonly frames: Buffer[] = [];
  drains = 0;
  ends = 0;
  readonly closings: CloseReason[] = [];
  /** What the port forbids and happened nevertheless. */
  readonly violations: string[] = [];
  /** Called with each frame, after it was kept, from within `frame`. */
  onFrame: ((frame: Buffer) => void) | undefined;
  #paused = false;
  #depth = 0;
  #opened = false;
  #waiting: { met: () => boolean; resolve: () => void }[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Opens the connection with this receiver. */
  open(): this {
    this.connection.open(this);
    this.#opened = true;
    return this;
  }

  /** Why the connection has closed; undefined while it is open. */
  get reason(): CloseReason | undefined {
    return this.closings[0];
  }

  /** Resolves as soon as the condition is met; it is looked at whenever something was told. */
  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ met, resolve }));
  }

  pause(): void {
    this.#paused = true;
    this.connection.pause();
  }

  resume(): void {
    this.#paused = false;
    this.connection.resume();
  }

  frame(memory: Buffer, from: number, to: number): void {
    this.#told("frame", () => {
      ok(from <= to && to <= memory.length, "the frame lies in its memory");
      const frame = Buffer.from(memory.subarray(from, to));
      this.frames.push(frame);
      if (this.#paused) this.violations.push("a frame while paused");
      if (this.ends > 0) this.violations.push("a frame after the end");
      this.onFrame?.(frame);
    });
  }

  drain(): void {
    this.#told("drain", () => {
      this.drains++;
      if (!this.connection.writable) this.violations.push("drain while not writable");
    });
  }

  ended(): void {
    this.#told("ended", () => this.ends++);
  }

  closed(reason: CloseReason): void {
    this.#told("closed", () => this.closings.push(reason));
  }

  #told(what: string, keep: () => void): void {
    if (!this.#opened) this.violations.push(`${what} before open has returned`);
    if (this.#depth > 0) this.violations.push(`${what} from within another call`);
    if (this.closings.length > 0) this.violations.push(`${what} after closed`);
    this.#depth++;
    try {
      keep();
    } finally {
      this.#depth--;
    }
    const met = this.#waiting.filter((each) => each.met());
    this.#waiting = this.#waiting.filter((each) => !met.includes(each));
    for (const each of met) each.resolve();
  }
}
