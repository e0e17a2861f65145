import { chmod, chown, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { systemError } from "../../base/error.ts";
import { makeFolders } from "../../base/folders.ts";
import { socketPathBytesMax, type Address } from "../address.ts";
import type { LocalFile } from "./local-file.ts";
import type { UnixSettings } from "./options.ts";
import { statOf } from "./owner.ts";
import { groupDenied, inUse, notASocket } from "./refusal.ts";

/** For `chown`: the owner stays. */
const leaveUid = -1;

/** Makes a folder that is missing, with those above it, for those whom the socket lets in; one that is there stays as it is. */
export async function makeFolder(
  address: Address,
  { folderMode, gid }: Pick<UnixSettings, "folderMode" | "gid">,
): Promise<void> {
  const path = dirname(address.place);
  const first = await makeFolders(path);
  if (first === undefined || (folderMode === 0o700 && gid === undefined)) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) {
    await restrict(folder, folderMode, gid, address);
  }
}

/** The mode comes last: until then nobody of the group gets in, whichever it is. */
export async function restrict(
  path: string,
  mode: number,
  gid: number | undefined,
  address: Address,
): Promise<void> {
  if (gid !== undefined) {
    await chmod(path, mode & 0o700);
    await chown(path, leaveUid, gid).catch((error: unknown) => {
      throw groupDenied(address, gid, error);
    });
  }
  await chmod(path, mode);
}

/** Refuses a path whose hidden name would be too long. */
export function checkHiddenPath(path: string, hidden: string): void {
  const longer = Buffer.byteLength(hidden) - Buffer.byteLength(path);
  const bytesMax = socketPathBytesMax - longer;
  const bytes = Buffer.byteLength(path);
  if (bytes <= bytesMax) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `the path ${path} is ${bytes} bytes long; to listen it may have ${bytesMax}, because the socket gets a hidden name too, ${hidden}`,
    { executed: "no", advice: "choose a shorter folder or name, for example under /run or /tmp" },
  );
}

/** Binds to the hidden name, or makes a pipe of it. One that is there was left by a process with our pid, or we listen there ourselves. */
export async function bindHidden(
  bind: (hidden: string) => Promise<void> | void,
  hidden: string,
  address: Address,
  kind: LocalFile,
): Promise<void> {
  try {
    await bind(hidden);
  } catch (error) {
    const file = await statOf(hidden);
    if (
      !["EADDRINUSE", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "") ||
      file === undefined
    )
      throw error;
    if (!kind.is(file)) throw notASocket(address, file, kind);
    if ((await kind.probe(hidden)) !== "dead") throw await inUse(address, file);
    await unlink(hidden);
    await bind(hidden);
  }
}
