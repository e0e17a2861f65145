import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";

/** The program that is started, and how; without a command nothing can be dialled. */
export interface StdioOptions {
  /** The program to start for each connection: a name that is looked up in PATH, or a path. No shell reads it. */
  readonly command?: string;
  /** Default none. */
  readonly args?: readonly string[];
  /** The environment of the child, whole. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The folder in which the child starts. Default: that of this process. */
  readonly cwd?: string;
  /** What becomes of what the child writes to its stderr. Default `inherit`: it goes to the stderr of this process. */
  readonly stderr?: "inherit" | "ignore" | ((text: string) => void);
  /**
   * The descriptors by which the child reads and writes frames; both sides say the same. Default `[0, 1]`, its stdin and
   * stdout. With others, `[3, 4]`, its stdout is free: what it writes there goes to the stdout of this process.
   */
  readonly fds?: readonly [read: number, write: number];
  /**
   * How long a child may take to end by itself when its connection has closed; then it gets SIGTERM, and when the same time
   * has passed again SIGKILL. A destroyed connection sends SIGTERM at once. Default 5 s.
   */
  readonly exitWithin?: Duration;
}

/** The options, complete and checked. */
export interface StdioSettings extends StdioOptions {
  readonly stderr: "inherit" | "ignore" | ((text: string) => void);
  readonly fds: readonly [read: number, write: number];
  readonly exitMs: number;
}

/** Settings with which something can be dialled. */
export interface ChildProgram extends StdioSettings {
  readonly command: string;
}

/** The largest number of a descriptor that a child is given; each number below it is prepared too. */
const fdMax = 255;

/** Refuses options that make no sense with INVALID_ARGUMENT. */
export function settingsOf(options: StdioOptions): StdioSettings {
  const { fds = [0, 1], stderr = "inherit", exitWithin = "5s" } = options;
  const fits = fds.every((fd) => Number.isInteger(fd) && fd >= 0 && fd <= fdMax && fd !== 2);
  if (!fits || fds.length !== 2 || fds[0] === fds[1]) {
    throw systemError("INVALID_ARGUMENT", `fds is [${fds.join(", ")}]`, {
      executed: "no",
      advice: `give two different descriptors from 0 to ${fdMax}, not 2: [0, 1] or [3, 4]`,
    });
  }
  if (options.command === "") {
    throw systemError("INVALID_ARGUMENT", "the command is empty", {
      executed: "no",
      advice: "name a program",
    });
  }
  return { ...options, fds, stderr, exitMs: milliseconds(exitWithin) };
}
