import fs, { writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Something that is done to a file, and where in it. */
export interface Step {
  readonly what: "link" | "unlink" | "open" | "write";
  readonly of: RegExp;
  readonly when: "before" | "after" | "half";
}

const lock = /\.lock$/;
const lease = /\/leases\/\d+$/;
const member = /\/members\/[0-9a-f-]{36}$/;
const breaking = /\.break$/;
const lines = /\.jsonl$/;
const place = /\.[ab]\.json$/;

/** All that a process does to files that others see, before and behind it; of what is written, also in the midst. */
export const steps: readonly Step[] = [
  ...both("link", lock),
  ...both("unlink", lock),
  ...both("link", lease),
  ...both("unlink", lease),
  ...both("link", member),
  ...both("unlink", member),
  ...both("link", breaking),
  ...both("unlink", breaking),
  ...both("open", lines),
  ...both("open", place),
  ...both("unlink", place),
  ...both("unlink", lines),
  ...both("write", lines),
  ...both("write", place),
  { what: "write", of: lines, when: "half" },
  { what: "write", of: lines, when: "half" },
  { what: "write", of: place, when: "half" },
];

function both(what: Step["what"], of: RegExp): readonly Step[] {
  return [
    { what, of, when: "before" },
    { what, of, when: "after" },
  ];
}

type Any = (...args: never[]) => Promise<unknown>;

/** Kills this process when it comes to a step for the `nth` time. The functions of Node are wrapped; the library knows nothing of it. */
export function dieAt(step: Step, nth: number): void {
  let left = nth;
  const die = (): void => process.kill(process.pid, "SIGKILL") as unknown as void;
  const isNow = (what: Step["what"], path: unknown): boolean =>
    step.what === what && typeof path === "string" && step.of.test(path) && --left === 0;
  const wrap = (
    of: Record<string, unknown>,
    name: Exclude<Step["what"], "write">,
    pathOf: (args: unknown[]) => unknown,
  ): void => {
    const inner = of[name] as Any;
    of[name] = async (...args: unknown[]): Promise<unknown> => {
      const now = isNow(name, pathOf(args));
      if (now && step.when === "before") die();
      const result = await inner.apply(of, args as never[]);
      if (now) die();
      return result;
    };
  };
  const promises = fs.promises as unknown as Record<string, unknown>;
  wrap(promises, "link", (args) => args[1]);
  wrap(promises, "unlink", (args) => args[0]);
  if (step.what === "write") wrapWrites(promises, step, isNow, die);
  else wrap(promises, "open", (args) => args[0]);
  syncBuiltinESMExports();
}

function wrapWrites(
  promises: Record<string, unknown>,
  step: Step,
  isNow: (what: Step["what"], path: unknown) => boolean,
  die: () => void,
): void {
  const open = promises["open"] as (...args: unknown[]) => Promise<fs.promises.FileHandle>;
  promises["open"] = async (...args: unknown[]) => {
    const handle = await open.apply(promises, args);
    const write = handle.write.bind(handle) as Any;
    const dying = async (bytes: Buffer, at: number, count: number, position?: number) => {
      if (!isNow("write", args[0])) return write(...([bytes, at, count, position] as never[]));
      if (step.when === "before") die();
      const part = step.when === "half" ? Math.ceil(count / 2) : count;
      writeSync(handle.fd, bytes, at, part, position);
      die();
      return { bytesWritten: part };
    };
    handle.write = dying as typeof handle.write;
    return handle;
  };
}
