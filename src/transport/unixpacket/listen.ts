import { unlink } from "node:fs/promises";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Addon } from "../../os/addon.ts";
import { checkSocketPath, type Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";
import { socketFile } from "../unix/local-file.ts";
import type { UnixSettings } from "../unix/options.ts";
import { hiddenPath, statOf } from "../unix/owner.ts";
import { listenRefused } from "../unix/refusal.ts";
import { publish, withdraw } from "../unix/socket-file.ts";
import { bindHidden, checkHiddenPath, makeFolder, restrict } from "../unix/socket-place.ts";
import { PacketConnection } from "./packet-connection.ts";
import { eagain, makeRoom, neededAddon, packetBounds, peerOf } from "./packet-socket.ts";

/** Connections that may wait to be accepted: as many as Node's own servers have. */
const backlog = 511;

/** How long to wait, in milliseconds, when the process may open no more files, before accepting is tried again. */
const fullMs = 100;

/** Binds under a hidden name, sets who may connect, and only then listens and gives the socket its public name. */
export async function listenForPackets(
  settings: UnixSettings,
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  const native = neededAddon(address);
  const max = connectionsMax(options);
  const bounds = packetBounds(options);
  checkSocketPath(address.place);
  const hidden = hiddenPath(address.place);
  checkHiddenPath(address.place, hidden);
  const fd = await published(native, hidden, settings, address);
  const own = (await statOf(hidden))!;
  let open = 0;
  let full: Alarm | undefined;
  const take = (): void => {
    for (;;) {
      const taken = native.socketAccept(fd);
      if (taken === -eagain) return;
      if (taken < 0) {
        // It would be told again at once, for as long as it lasts.
        native.watchEvents(watch, 0);
        full = alarmAt(env, env.now() + fullMs, () => native.watchEvents(watch, native.readable));
        return;
      }
      if (open >= max) {
        native.descriptorClose(taken);
        continue;
      }
      try {
        makeRoom(native, taken, address);
      } catch {
        native.descriptorClose(taken); // the system gives less than it did
        continue;
      }
      open++;
      const peer = peerOf(native, taken, address);
      accept(new PacketConnection(native, taken, peer, bounds, env, () => open--));
    }
  };
  const watch = native.watchStart(fd, native.readable, false, take);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await withdraw(address.place, own);
    // Who connected before the name was gone stands in the queue; closing would reset them, with what they have sent.
    take();
    if (full !== undefined) env.clear(full);
    native.watchStop(watch);
    native.descriptorClose(fd);
    await unlink(hidden).catch(() => undefined);
  };
  return { address, close: () => (closing ??= close()) };
}

async function published(
  native: Addon,
  hidden: string,
  settings: UnixSettings,
  address: Address,
): Promise<number> {
  let fd: number | undefined;
  let bound = false;
  try {
    await makeFolder(address, settings);
    fd = native.socketOpen(native.packet);
    makeRoom(native, fd, address);
    const own = fd;
    await bindHidden((name) => native.socketBind(own, name), hidden, address, socketFile);
    bound = true;
    // Nobody can connect before it listens, so what the umask has left open does no harm.
    await restrict(hidden, settings.socketMode, settings.gid, address);
    native.socketListen(fd, backlog);
    await publish(hidden, address, socketFile);
    return fd;
  } catch (error) {
    if (fd !== undefined) {
      native.descriptorClose(fd);
      if (bound) await unlink(hidden).catch(() => undefined);
    }
    throw await listenRefused(address, error);
  }
}
