import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { arch, platform } from "node:os";

import { addon } from "../../os/addon.ts";

/** Who was at the other end of a local socket when it was connected: who connected, or who listened. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** `getsockopt` of the system's library. Returns 0, and fills `value` and `length`, when there is such an option. */
type GetSockOpt = (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: Buffer,
) => number;

/** As much of `node:ffi` as is needed; Node has it from 26.1 on. */
interface ForeignFunctions {
  dlopen(
    library: null,
    functions: Readonly<Record<string, { arguments: readonly string[]; return: string }>>,
  ): { readonly functions: { readonly getsockopt: GetSockOpt } };
}

/** Linux, unix(7). On a few old architectures the numbers are others. */
const solSocket = 1;
const soPeercred = 17;
const archs: ReadonlySet<string> = new Set(["x64", "arm64", "arm", "riscv64", "loong64"]);

let getSockOpt: GetSockOpt | null | undefined;

/** Asks the system (SO_PEERCRED), by the addon or else by `node:ffi`. Undefined where it does not tell, and when the socket is closed already. */
export function credentialsOf(socket: Socket): Credentials | undefined {
  const os = addon();
  const fd = fdOf(socket);
  if (os === undefined || fd < 0) return credentialsByNode(socket);
  const who = os.socketPeer(fd);
  return typeof who === "number" ? undefined : { pid: who[0], uid: who[1], gid: who[2] };
}

/**
 * By `node:ffi`, in about 3 µs: on Linux, from Node 26.1 on, with leave for it. The first time Node warns that it is
 * experimental; hence nobody who does not ask pays for it.
 */
export function credentialsByNode(socket: Socket): Credentials | undefined {
  const fd = fdOf(socket);
  if (getSockOpt === undefined) getSockOpt = loaded();
  if (fd < 0 || getSockOpt === null) return undefined;
  // Three 32-bit numbers in the order of the machine, and how many bytes they take.
  const numbers = new Uint32Array(3);
  const length = Uint32Array.of(numbers.byteLength);
  const failed = getSockOpt(fd, solSocket, soPeercred, bytesOf(numbers), bytesOf(length));
  if (failed !== 0 || length[0] !== numbers.byteLength) return undefined;
  return { pid: numbers[0]!, uid: numbers[1]!, gid: numbers[2]! };
}

/** Null where there is none. */
function loaded(): GetSockOpt | null {
  if (platform() !== "linux" || !archs.has(arch())) return null;
  try {
    const ffi = createRequire(import.meta.url)("node:ffi") as ForeignFunctions;
    const signature = {
      arguments: ["int32", "int32", "int32", "buffer", "buffer"],
      return: "int32",
    };
    return ffi.dlopen(null, { getsockopt: signature }).functions.getsockopt;
  } catch {
    return null; // an older Node, or one that was started without leave for it
  }
}

/** Node has no public name for it; -1 when the socket is closed. */
function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
