import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";

/** What begins a connection of HTTP/2 (RFC 9113, 3.4). No request of HTTP/1.1 begins so. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Bytes after which there is no doubt: `PRI` is no method of HTTP/1.1. */
const enough = 4;

/**
 * Looks at what a peer says first, and puts it back: the socket is paused then and gives it again. `tell` is not called when the
 * peer goes before; one that says nothing until `until` is cut off.
 */
export function firstBytes(
  socket: Socket,
  until: number,
  env: Env,
  tell: (version: "1.1" | "2") => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const alarm = alarmAt(env, until, () => socket.destroy());
  const look = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const known = Math.min(seen.length, enough);
    const alike = seen.compare(preface, 0, known, 0, known) === 0;
    if (alike && known < enough) return;
    socket.pause();
    stop();
    socket.unshift(seen);
    tell(alike ? "2" : "1.1");
  };
  const gone = (): void => void socket.destroy();
  const stop = (): void => {
    env.clear(alarm);
    socket.off("data", look).off("end", gone).off("close", stop);
  };
  if (socket.readableEnded) socket.destroy();
  socket.on("data", look).on("end", gone).on("close", stop).resume();
}
