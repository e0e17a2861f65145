import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { fileURLToPath } from "node:url";

/** A watch of a descriptor; what is in it is the addon's. */
export type Watch = object & { readonly watch: never };

/**
 * What the addon (native/) offers: calls of Linux that Node has not. Those whose failure is a matter of course return the negative
 * number of the error, as the system gives it; all others throw as Node's own do, with `code`, `errno` and `syscall`. What each does
 * stands beside it in C.
 *
 * Descriptors that it makes are closed by `descriptorClose` and by nobody else. Those of a worker that ends are closed then, as are
 * its watches, the signals that it hears and its maps.
 */
export interface Addon {
  readonly version: number;

  memoryCreate(name: string, bytes: number): number;
  memoryHuge(): number;
  memoryPress(bytes: number): void;
  memorySeal(fd: number, seals: number): void;
  memorySeals(fd: number): number;
  memoryBytes(fd: number): number;
  memoryMap(fd: number, offset: number, bytes: number, writable: boolean): ArrayBuffer;
  memoryCopy(fd: number, offset: number, bytes: number, ahead: number): ArrayBuffer;
  memoryRoom(bytes: number, ahead: number): ArrayBuffer;
  memoryMove(fd: number, offset: number, room: ArrayBuffer, ahead: number): void;
  memoryTakeBack(memory: ArrayBuffer): void;
  memoryLetGo(memory: ArrayBuffer): void;
  readonly sealSeal: number;
  readonly sealShrink: number;
  readonly sealGrow: number;
  readonly sealWrite: number;
  readonly sealFutureWrite: number;

  bellCreate(): number;
  isBell(fd: number): boolean;
  bellRing(fd: number): number;
  descriptorCopy(fd: number): number;
  descriptorClose(fd: number): void;
  fileLock(fd: number, exclusive: boolean): boolean;
  fileLocked(fd: number): boolean;
  fileUnlock(fd: number): void;
  byteLock(fd: number, at: number): boolean;
  byteUnlock(fd: number, at: number): void;
  fifoCreate(path: string, mode: number): number;

  watchStart(
    fd: number,
    events: number,
    counts: boolean,
    ready: (eventsOrError: number) => void,
  ): Watch;
  watchStop(watch: Watch): void;
  watchEvents(watch: Watch, events: number): void;
  watchHold(watch: Watch, holds: boolean): void;
  readonly readable: number;
  readonly writable: number;

  socketOpen(type: number): number;
  socketPair(type: number): [number, number];
  socketBind(fd: number, path: string): void;
  socketConnect(fd: number, path: string): number;
  socketListen(fd: number, backlog: number): void;
  socketAccept(fd: number): number;
  socketEnd(fd: number): number;
  socketRoom(fd: number, option: number, bytes: number): number;
  socketPeer(fd: number): [pid: number, uid: number, gid: number] | number;
  socketSend(
    fd: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    fds: readonly number[],
    path: string,
  ): number;
  socketReceive(fd: number, into: Uint8Array, from: number, to: number, fds: number[]): number;
  socketTellSenders(fd: number): void;
  socketReceiveFrom(
    fd: number,
    into: Uint8Array,
    from: number,
    to: number,
    fds: number[],
    who: Uint32Array,
  ): number;
  readonly datagram: number;
  readonly packet: number;
  readonly stream: number;
  readonly sendRoom: number;
  readonly receiveRoom: number;

  queueOpen(
    name: string,
    access: 0 | 1 | 2,
    create: boolean,
    mode: number,
    messages: number,
    bytes: number,
  ): number;
  queueRemove(name: string): number;
  queueAbout(fd: number): QueueAbout;
  queueSend(fd: number, bytes: Uint8Array, from: number, to: number, priority: number): number;
  queueReceive(fd: number, into: Uint8Array, from: number, to: number): number;

  signalSend(pid: number, signal: number, value: number): number;
  signalHear(signal: number): number;
  signalDeafen(signal: number): void;
  readonly firstRealTime: number;
  readonly lastRealTime: number;
}

/** Of a message queue: its bounds, and how many messages wait. */
export interface QueueAbout {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly messages: number;
}

/** What this version speaks with. */
const version = 1;

type Loaded = { readonly addon: Addon } | { readonly problem: string };

let loaded: Loaded | undefined;

/** The addon; undefined where there is none, and `addonProblem` says why. */
export function addon(): Addon | undefined {
  loaded ??= load();
  return "addon" in loaded ? loaded.addon : undefined;
}

/** Why there is no addon; undefined: there is one. */
export function addonProblem(): string | undefined {
  loaded ??= load();
  return "problem" in loaded ? loaded.problem : undefined;
}

function load(): Loaded {
  const machine = `${platform()}-${arch()}`;
  // Bun ends the process where an addon asks for its event loop.
  if (platform() !== "linux" || "Bun" in globalThis)
    return { problem: `there is no addon for ${machine}` };
  // Beside src/ and dist/ alike. What was built on this machine comes before what came with the package.
  const native = fileURLToPath(new URL("../../native/", import.meta.url));
  const places = [`${native}build/trunkline.node`, `${native}prebuilt/${machine}/trunkline.node`];
  const place = places.find((each) => existsSync(each));
  if (place === undefined) return { problem: `no addon for ${machine} came with the package` };
  try {
    const made = createRequire(import.meta.url)(place) as Addon;
    if (made.version !== version)
      return { problem: `${place} is of version ${made.version}, and ${version} is needed` };
    tryMemory(made);
    return { addon: made };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Throws where memory cannot be shared: in Electron, whose JavaScript sees no memory but its own, and where the system refuses it. */
function tryMemory(os: Addon): void {
  const fd = os.memoryCreate("trunkline", 1);
  try {
    os.memoryLetGo(os.memoryMap(fd, 0, 1, false));
  } finally {
    os.descriptorClose(fd);
  }
}
