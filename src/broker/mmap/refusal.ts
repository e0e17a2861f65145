import { isTrunklineError, systemError, type SystemError } from "../../base/error.ts";

/** A file that is there and cannot be used. */
export function unfit(path: string, what: string, advice: string): SystemError {
  return systemError("INVALID_ARGUMENT", `${path} ${what}`, { executed: "no", advice });
}

/** The words of a ring contradict each other: somebody else has written there. */
export function senseless(path: string): SystemError {
  return systemError("DATA_LOSS", `the positions in ${path} make no sense`, {
    executed: "no",
    endpoint: path,
    advice: "somebody else has written to the file: stop who uses it, and remove it",
  });
}

/** What the system says of a file, in our words. */
export function failedFile(path: string, cause: unknown): unknown {
  if (isTrunklineError(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return systemError("PERMISSION_DENIED", `${path} may not be opened for writing (${code})`, {
      executed: "no",
      advice: "a ring is its user's alone: let all who use it be the same user",
      cause,
    });
  if (code === "EMFILE" || code === "ENFILE")
    return systemError("RESOURCE_EXHAUSTED", `no more files may be opened for ${path} (${code})`, {
      executed: "no",
      advice: "raise the limit (ulimit -n), or look with lsof who holds so many",
      cause,
    });
  if (["ENOSPC", "EDQUOT", "EFBIG", "ENOMEM"].includes(code))
    return systemError("RESOURCE_EXHAUSTED", `there is no room for the ring ${path} (${code})`, {
      executed: "no",
      advice: "ask for a smaller one (?bytes=…), or give a path on another file system",
      cause,
    });
  if (code === "ELOOP")
    return unfit(path, "is a symbolic link, which is not followed", "give the path it leads to");
  return systemError("INVALID_ARGUMENT", `there can be no ring at ${path}: ${message}`, {
    executed: "no",
    advice: "give a path in a folder that is there, on a file system of this host",
    cause,
  });
}

/** Nobody has declared it, or somebody has removed it. */
export function notThere(path: string): SystemError {
  return systemError("UNAVAILABLE", `there is no ring at ${path}`, {
    executed: "no",
    endpoint: path,
    advice: "declare its channel, or start who consumes it",
  });
}

export function tooLarge(path: string, bytes: number, bytesMax: number): SystemError {
  return systemError(
    "INVALID_ARGUMENT",
    `the message takes ${bytes} bytes, and one of this ring has at most ${bytesMax}`,
    {
      executed: "no",
      endpoint: path,
      advice: "send less, or where it is, or make the ring four times as large: ?bytes=…",
    },
  );
}

export function tooMany(path: string, waitingMax: number): SystemError {
  return systemError("RESOURCE_EXHAUSTED", `${waitingMax} messages wait for room in ${path}`, {
    executed: "no",
    endpoint: path,
    advice: "wait for the receipts of those that you have published",
  });
}

export function noRoom(path: string): SystemError {
  return systemError("RESOURCE_EXHAUSTED", "the ring is full", {
    executed: "no",
    endpoint: path,
    advice:
      "consume it faster, or make it larger (?bytes=…); one message that is not settled holds all behind it",
  });
}

export function notTurn(path: string): SystemError {
  return systemError("RESOURCE_EXHAUSTED", `somebody else writes to ${path} all the time`, {
    executed: "no",
    endpoint: path,
    advice: "one of its processes stands still in the middle of that: look for it with lslocks(8)",
  });
}

export function notSynced(path: string, executed: "no" | "maybe", cause: unknown): SystemError {
  return systemError("UNAVAILABLE", `the disk did not take what was written to ${path}`, {
    executed,
    endpoint: path,
    advice: "look at the disk: its file system reports an error",
    cause,
  });
}
