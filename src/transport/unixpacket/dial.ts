import { sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Addon } from "../../os/addon.ts";
import { checkSocketPath, type Address } from "../address.ts";
import type { Connection, DialOptions } from "../transport.ts";
import { dialRefused, notInTime } from "../unix/refusal.ts";
import { PacketConnection } from "./packet-connection.ts";
import {
  eagain,
  makeRoom,
  neededAddon,
  packetBounds,
  peerOf,
  systemErrorOf,
} from "./packet-socket.ts";

/** How long to wait, in milliseconds, before an accept queue that was full is tried again. */
const retry = { baseMs: 2, capMs: 50 } as const;

/** Connects to the socket file, trying again while its accept queue is full, until `until`. */
export async function dialPackets(
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  const native = neededAddon(address);
  const bounds = packetBounds(options);
  checkSocketPath(address.place);
  if (env.now() >= options.until) throw notInTime(address, undefined);
  for (let failures = 0; ; failures++) {
    const fd = await connected(native, address);
    if (fd !== undefined) {
      return new PacketConnection(native, fd, peerOf(native, fd, address), bounds, env);
    }
    const waitMs = backoff(failures, retry, env.random);
    const full = systemErrorOf(-eagain, "connect");
    if (env.now() + waitMs >= options.until) throw notInTime(address, full);
    await sleep(env, waitMs);
  }
}

/** A descriptor; undefined: the accept queue is full. A local socket connects at once or not at all. */
async function connected(native: Addon, address: Address): Promise<number | undefined> {
  let fd: number | undefined;
  try {
    fd = native.socketOpen(native.packet);
    makeRoom(native, fd, address);
    const failed = native.socketConnect(fd, address.place);
    if (failed === 0) return fd;
    native.descriptorClose(fd);
    fd = undefined;
    if (failed === -eagain) return undefined;
    throw systemErrorOf(failed, `connect ${address.place}`);
  } catch (error) {
    if (fd !== undefined) native.descriptorClose(fd);
    if (isTrunklineError(error)) throw error;
    throw await dialRefused(address, error as NodeJS.ErrnoException);
  }
}
