import type { NetConnectOpts } from "node:net";

import { alarmAt, sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import { checkSocketPath, type Address } from "../address.ts";
import type { Started } from "../framed-sockets.ts";
import { dialRefused, notInTime, refuseWindows } from "./refusal.ts";
import { UnixPeer } from "./unix-peer.ts";

/** How long to wait, in milliseconds, before an accept queue that was full is tried again. */
const retry = { baseMs: 2, capMs: 50 } as const;

/** Connects to the socket file, trying again while its accept queue is full, until `until`. */
export async function reachUnix<T extends Started>(
  address: Address,
  until: number,
  env: Env,
  start: (target: NetConnectOpts) => T,
): Promise<{ readonly started: T; readonly peer: Peer }> {
  checkSocketPath(address.place);
  refuseWindows(address, "sockets");
  if (env.now() >= until) throw notInTime(address, undefined);
  for (let failures = 0; ; failures++) {
    const started = start({ path: address.place });
    const result = await connected(started, until, env);
    if (result === "connected") {
      return { started, peer: new UnixPeer(address.text, started.socket) };
    }
    if (result !== "late" && result.code !== "EAGAIN") throw await dialRefused(address, result);
    const waitMs = backoff(failures, retry, env.random);
    const over = result === "late" || env.now() + waitMs >= until;
    if (over) throw notInTime(address, result === "late" ? undefined : result);
    await sleep(env, waitMs);
  }
}

/** How it went, with the error of the system when it failed. */
function connected(
  { socket }: Started,
  until: number,
  env: Env,
): Promise<"connected" | "late" | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const settle = (result: "connected" | "late" | NodeJS.ErrnoException): void => {
      env.clear(alarm);
      socket.off("connect", onConnect).off("error", settle);
      if (result !== "connected") socket.destroy();
      resolve(result);
    };
    const onConnect = (): void => settle("connected");
    const alarm = alarmAt(env, until, () => settle("late"));
    socket.on("connect", onConnect).on("error", settle);
  });
}
