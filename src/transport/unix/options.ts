import { systemError } from "../../base/error.ts";
import { shmSettings, type ShmOptions, type ShmSettings } from "../shm/index.ts";

export interface UnixOptions {
  /**
   * The mode of the socket file to listen on; to connect, one must be able to write to it. Default 0o600: only processes of
   * the same user, and root. 0o660 lets the group in, 0o666 every user of the host. A folder that has to be made lets those
   * pass whom the socket lets in.
   */
  readonly mode?: number;
  /**
   * The group, by number, that the socket file and a folder that has to be made get; this process must be in it, or be
   * root. Default: what the file system gives them, which is the folder's own group where that has its setgid bit.
   */
  readonly gid?: number;
  /**
   * Whether a connection moves to shared memory: `auto`, the default, where both sides can; `off`, never. Tuning goes in an object.
   * It stays on the socket where there is no addon for the machine, between different users, and when there is no memory.
   *
   * `require`, for who would rather fail: without the addon neither listens nor dials (UNIMPLEMENTED), nor is a server of another user called
   * (PERMISSION_DENIED), and a connection that would stay on the socket for another reason is closed as broken, which callers hear as UNAVAILABLE
   * with the reason; calls that went by it until then may have been executed. Who listens cannot tell a client that does not want to move
   * from one that has not asked yet, and serves it on the socket.
   */
  readonly shm?: "auto" | "off" | "require" | ShmOptions;
}

/** The options, complete and checked. */
export interface UnixSettings {
  readonly socketMode: number;
  readonly folderMode: number;
  readonly gid: number | undefined;
  /** Undefined: not to be used. */
  readonly shm: ShmSettings | undefined;
}

/** The largest number that a group can have; the one above it means "leave it". */
const gidMax = 2 ** 32 - 2;

/** Refuses options that make no sense with INVALID_ARGUMENT. */
export function settingsOf({ mode = 0o600, gid, shm = "auto" }: UnixOptions): UnixSettings {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw systemError("INVALID_ARGUMENT", `mode is ${mode}`, {
      executed: "no",
      advice: "give the bits of a file mode as a number: 0o600, 0o660 or 0o666",
    });
  }
  if (gid !== undefined && (!Number.isInteger(gid) || gid < 0 || gid > gidMax)) {
    throw systemError("INVALID_ARGUMENT", `gid is ${gid}`, {
      executed: "no",
      advice: "give the number of a group; `getent group NAME` tells it",
    });
  }
  const group = (mode & 0o020) === 0 ? 0 : 0o010;
  const others = (mode & 0o002) === 0 ? 0 : 0o001;
  return { socketMode: mode, folderMode: 0o700 | group | others, gid, shm: shmOf(shm) };
}

function shmOf(shm: "auto" | "off" | "require" | ShmOptions): ShmSettings | undefined {
  if (shm === "off") return undefined;
  if (shm === "auto") return shmSettings();
  if (shm === "require") return shmSettings({}, true);
  if (typeof shm === "object") return shmSettings(shm);
  throw systemError("INVALID_ARGUMENT", `shm is ${String(shm)}`, {
    executed: "no",
    advice: 'give "auto", "off", "require", or an object with ringBytes',
  });
}
