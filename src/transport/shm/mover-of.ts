import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { ownUser } from "../../base/process-owner.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import type { Connection } from "../transport.ts";
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

/** @throws TrunklineError UNIMPLEMENTED where shared memory is required and this process cannot have any. */
export function refuseWithoutShm(settings: ShmSettings | undefined, address: Address): void {
  const problem = settings?.required === true ? addonProblem() : undefined;
  if (problem === undefined) return;
  throw systemError("UNIMPLEMENTED", `shared memory is required, and there is none: ${problem}`, {
    executed: "no",
    endpoint: address.text,
    advice: 'trunkline doctor says how to get it; shm: "auto" stays on the socket instead',
  });
}

/**
 * Who could never share memory is told from before anything is sent: nothing was executed.
 *
 * @throws TrunklineError PERMISSION_DENIED where shared memory is required and the peer is of another user; the connection is closed.
 */
export function refuseOtherUser(settings: ShmSettings | undefined, connection: Connection): void {
  const { address, uid } = connection.peer;
  if (settings?.required !== true || uid === ownUser()) return;
  const problem = `shared memory is required, and the peer is of another user, uid ${uid ?? "unknown"}`;
  connection.destroy(problem);
  throw systemError("PERMISSION_DENIED", problem, {
    executed: "no",
    endpoint: address,
    advice: 'run both processes as one user; shm: "auto" stays on the socket instead',
  });
}
