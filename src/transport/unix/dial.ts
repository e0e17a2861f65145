import { alarmAt, sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { checkSocketPath, type Address } from "../address.ts";
import { framed } from "../framed.ts";
import { SocketStream } from "../socket-stream.ts";
import type { Connection, DialOptions } from "../transport.ts";
import { dialRefused, notInTime } from "./refusal.ts";
import { UnixPeer } from "./unix-peer.ts";

/** How long to wait, in milliseconds, before an accept queue that was full is tried again. */
const retry = { baseMs: 2, capMs: 50 } as const;

/** Connects to the socket file, trying again while its accept queue is full, until `options.until`. */
export async function dialUnix(
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  checkSocketPath(address.place);
  if (env.now() >= options.until) throw notInTime(address, undefined);
  for (let failures = 0; ; failures++) {
    const result = await tryOnce(address.place, options.until, env);
    if (result instanceof SocketStream) {
      return framed(result, new UnixPeer(address.text, result.socket), options, env);
    }
    if (result !== undefined && result.code !== "EAGAIN") throw await dialRefused(address, result);
    const waitMs = backoff(failures, retry, env.random);
    const over = result === undefined || env.now() + waitMs >= options.until;
    if (over) throw notInTime(address, result);
    await sleep(env, waitMs);
  }
}

/** A connected stream, the error of the system, or undefined when the time is over. */
function tryOnce(
  path: string,
  until: number,
  env: Env,
): Promise<SocketStream | NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const stream = SocketStream.connect({ path }, env);
    const { socket } = stream;
    const settle = (result: SocketStream | NodeJS.ErrnoException | undefined): void => {
      env.clear(alarm);
      socket.off("connect", onConnect).off("error", settle);
      if (result !== stream) socket.destroy();
      resolve(result);
    };
    const onConnect = (): void => settle(stream);
    const alarm = alarmAt(env, until, () => settle(undefined));
    socket.on("connect", onConnect).on("error", settle);
  });
}
