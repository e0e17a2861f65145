import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";

/**
 * How long, in milliseconds, we wait to hear that the server has taken us. In TLS 1.3 the client is ready before the server
 * has seen its certificate; what tells is the server's session ticket, or an alert in its place. A server that sends
 * neither costs this once per connection.
 */
const takenMs = 500;

/** How a handshake went: the socket may be used, and is paused, or why not. */
export type Handshake =
  | { readonly shaken: X509Certificate }
  | { readonly distrust: string; readonly certificate: X509Certificate | undefined }
  | { readonly error: NodeJS.ErrnoException }
  | { readonly over: "late" | "closed" };

/** Waits until the server has proven who it is and has taken us. Whatever else happens, the socket is destroyed. */
export function handshake(socket: TLSSocket, until: number, env: Env): Promise<Handshake> {
  return new Promise((resolve) => {
    let done: Handshake | undefined;
    let settled = false;
    const settle = (result: Handshake): void => {
      if (settled) return;
      settled = true;
      env.clear(late);
      env.clear(taken);
      if (!("shaken" in result)) socket.destroy();
      // Node tells it from within OpenSSL's reading: what is written before that has returned comes out broken.
      env.yield(() => resolve(result));
    };
    const late = alarmAt(env, until, () => settle({ over: "late" }));
    const taken = alarmAt(env, Infinity, () => settle(done!));
    socket.on("error", (error) => settle({ error }));
    socket.once("close", () => settle({ over: "closed" }));
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      // With `rejectUnauthorized` Node would close the socket before we could tell the certificate.
      if (!socket.authorized || certificate === undefined) {
        // It is a code, although the types say Error.
        return settle({ distrust: String(socket.authorizationError), certificate });
      }
      socket.pause();
      done = { shaken: certificate };
      if (socket.getProtocol() !== "TLSv1.3") return settle(done);
      socket.once("session", () => settle(done!));
      socket.once("end", () => settle({ over: "closed" }));
      env.set(taken, env.now() + takenMs);
    });
  });
}
