import type { Env } from "../../base/env.ts";
import { addon } from "../../os/addon.ts";
import type { SocketStream } from "../socket-stream.ts";
import type { ShmSettings } from "./settings.ts";
import { ShmMover, shmOffer } from "./shm-mover.ts";

/** Who moves a connection over this Unix socket to shared memory; undefined where it is not to be, or cannot. */
export function shmMoverOf(
  settings: ShmSettings | undefined,
  socket: SocketStream,
  dialled: boolean,
  env: Env,
): ShmMover | undefined {
  if (settings === undefined) return undefined;
  const os = addon();
  return os === undefined ? undefined : new ShmMover(os, socket, settings, dialled, env);
}

/** What `offer` of such a mover will be; empty where there will be none. */
export function shmOfferOf(settings: ShmSettings | undefined): string {
  return settings === undefined || addon() === undefined ? "" : shmOffer;
}
