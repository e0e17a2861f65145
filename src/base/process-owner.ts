import { readFileSync, readlinkSync } from "node:fs";

/** The process that an entry belongs to. */
export interface Owner {
  readonly pid: number;
  /** When it started, in ticks of its kernel: tells it from a later process with the same number. Empty: not known. */
  readonly started: string;
  /** Where its number counts; a container has its own. Empty: not known. */
  readonly pids: string;
}

/** This process. */
export function self(): Owner {
  return { pid: process.pid, started: statOf(process.pid)?.started ?? "", pids: namespace() };
}

/** The user whose rights this process has; undefined where the system knows no such numbers. */
export function ownUser(): number | undefined {
  return process.geteuid?.();
}

/** The process that has this number now; undefined when none has. */
export function processOf(pid: number): Owner | undefined {
  const owner = { pid, started: statOf(pid)?.started ?? "", pids: namespace() };
  return hasEnded(owner, true) ? undefined : owner;
}

/**
 * True when the process has certainly ended. False also when that cannot be told from here: then its lease decides.
 * `closely`: looks at its start and state too, which costs a file.
 */
export function hasEnded({ pid, started, pids }: Owner, closely: boolean): boolean {
  if (pids !== namespace()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  if (!closely || started === "") return false;
  const now = statOf(pid);
  return now !== undefined && (now.started !== started || now.dead);
}

/** What Linux tells of a process (proc(5)): the 22nd field of its stat, and whether it only waits for its parent to notice. */
function statOf(pid: number): { readonly started: string; readonly dead: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is its name, in brackets, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { started: fields[19] ?? "", dead: fields[0] === "Z" || fields[0] === "X" };
  } catch {
    return undefined;
  }
}

let ownNamespace: string | undefined;

function namespace(): string {
  if (ownNamespace !== undefined) return ownNamespace;
  try {
    ownNamespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    ownNamespace = "";
  }
  return ownNamespace;
}
