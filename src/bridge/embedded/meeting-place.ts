import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { parseAddress, socketPathBytesMax, type Address } from "../../transport/address.ts";

const fileName = "broker.sock";
/** What the hidden name of a socket that is listened on has beyond its own, in bytes: `.NAME.PID.sock`. */
const hiddenBytesMax = 16;

/** The socket in a folder at which its owner is reached. */
export interface MeetingPlace {
  readonly address: Address;
  close(): Promise<void>;
}

/**
 * Where the owner of a folder is reached. The path of a socket may have hardly more than a hundred bytes; where the folder's is
 * longer, Linux has a short name for a folder that is open.
 *
 * @throws TrunklineError INVALID_ARGUMENT when the path is too long and there is no other.
 */
export async function meetingPlace(folder: string): Promise<MeetingPlace> {
  const path = join(folder, fileName);
  if (Buffer.byteLength(path) + hiddenBytesMax <= socketPathBytesMax || platform() !== "linux")
    return { address: parseAddress(`unix:${path}`), close: () => Promise.resolve() };
  const held = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const address = parseAddress(`unix:/proc/self/fd/${held.fd}/${fileName}`);
  return { address, close: () => held.close() };
}
