import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { SystemError } from "../../base/error.ts";

/** How long a peer has for reading what it was told, in milliseconds; then it is cut off. */
const lingerMs = 1_000;

/** SETTINGS without settings: what a server of HTTP/2 must say first (RFC 9113, 3.4). */
const settings = Buffer.from("000000040000000000", "hex");

/** GOAWAY with NO_ERROR, and no stream that was looked at (6.8): whatever the peer has sent may be sent elsewhere. */
const goAway = Buffer.from("0000080700000000000000000000000000", "hex");

/** Tells the peer of a connection that is not served that it is one too many, and when to come again; then closes it. */
export function refuseConnection(
  socket: Socket,
  version: "1.1" | "2",
  refusal: SystemError,
  env: Env,
): void {
  const cut = alarmAt(env, env.now() + lingerMs, () => socket.destroy());
  socket.on("close", () => env.clear(cut));
  // What it has sent is read and dropped: closing over it would take away what we say (RFC 9112, 9.6).
  socket.on("data", () => {}).resume();
  socket.end(version === "2" ? Buffer.concat([settings, goAway]) : refused(refusal));
}

/** Not every protocol on HTTP is known here; all of them read a status, and ours read the headers. */
function refused({ code, reason, retryAfterMs }: SystemError): string {
  const seconds = Math.ceil((typeof retryAfterMs === "number" ? retryAfterMs : 1_000) / 1_000);
  return [
    "HTTP/1.1 503 Service Unavailable",
    `retry-after: ${seconds}`,
    `trunkline-code: ${code}`,
    "trunkline-executed: no",
    "content-type: text/plain; charset=utf-8",
    `content-length: ${Buffer.byteLength(reason)}`,
    "connection: close",
    "",
    reason,
  ].join("\r\n");
}
