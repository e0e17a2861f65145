import { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { PipeStream } from "../stdio/pipe-stream.ts";
import { hasReader } from "./named-pipe.ts";

/** How often, in milliseconds, is asked whether a peer that has ended still lives: it may die without another word. */
const lookMs = 100;

/** The half that is read, of a descriptor that becomes its own. */
export function readingPipe(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

/** Two pipes as a stream of bytes. `write` becomes its own. `onClosed` is called when both are closed. */
export function fifoStream(
  reader: Socket,
  write: number,
  env: Env,
  onClosed: () => void,
): PipeStream {
  const writer = new Socket({ fd: write, readable: false, writable: true });
  let alarm: Alarm | undefined;
  const look = (): void => {
    if (writer.destroyed || writer.writableEnded) return;
    if (hasReader(write)) alarm = alarmAt(env, env.now() + lookMs, look);
    else writer.destroy(new Error("the peer is gone"));
  };
  // A turn later, as the stream looks itself: the pipes of a process that dies are closed one after the other.
  reader.once("end", () => env.yield(look));
  writer.once("close", () => {
    if (alarm !== undefined) env.clear(alarm);
  });
  const stream: PipeStream = new PipeStream(reader, writer, env, (end) => {
    onClosed();
    stream.close(end instanceof Error ? end : undefined);
  });
  return stream;
}
