import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { BellRope } from "../../src/broker/mmap/bell.ts";
import { Records } from "../../src/broker/mmap/records.ts";
import { RingFile } from "../../src/broker/mmap/ring-file.ts";
import { Lock, RingWord } from "../../src/broker/mmap/ring-words.ts";
import { addon } from "../../src/os/addon.ts";
import { SharedWords } from "../../src/os/words.ts";

/** What a victim does until it dies. */
export type Role = "writer" | "reader" | "maker";

/**
 * The steps of each, about in their order. What a step is, is what the sources call: they are wrapped from outside in the process that is to
 * die, and the library knows nothing of it.
 */
const acts = {
  writer: [
    "turn taken",
    "bytes written",
    "half of them written",
    "sum written",
    "tail stored",
    "bell rung",
    "turn over",
  ],
  reader: [
    "ring taken",
    "bell hung",
    "generation stored",
    "record read",
    "handing out noted",
    "settled out of turn",
    "head stored",
    "sleep stored",
  ],
  maker: ["file opened", "file locked", "bytes written", "file synced", "file renamed"],
} as const satisfies Readonly<Record<Role, readonly string[]>>;

export interface Point {
  readonly role: Role;
  readonly when: "before" | "after";
  readonly act: string;
}

export const points: readonly Point[] = (["writer", "reader", "maker"] as const).flatMap((role) =>
  acts[role].flatMap((act): readonly Point[] =>
    // In the midst there is no before.
    act === "half of them written"
      ? [{ role, when: "after", act }]
      : [
          { role, when: "before", act },
          { role, when: "after", act },
        ],
  ),
);

/** The how many-th time at most, where it is not once: what comes with each message, and what comes now and then. */
export const nthMax: Readonly<Record<string, number>> = {
  "writer turn taken": 20,
  "writer bytes written": 40,
  "writer half of them written": 40,
  "writer sum written": 40,
  "writer tail stored": 20,
  "writer bell rung": 3,
  "writer turn over": 20,
  "reader record read": 40,
  "reader handing out noted": 40,
  "reader settled out of turn": 10,
  "reader head stored": 20,
  "reader sleep stored": 6,
  "maker bytes written": 2,
};

export function nameOf({ role, when, act }: Point): string {
  return `${role} ${when} ${act}`;
}

type Which = (...args: never[]) => boolean;
type Wrap = (of: object, name: string, which?: Which) => void;

/** Calls `hit` when the process comes to that point for the `nth` time. */
export function watchFor({ role, when, act }: Point, nth: number, hit: () => void): void {
  let left = nth;
  const come = (): void => {
    if (--left === 0) hit();
  };
  const wrap: Wrap = (of, name, which = () => true) => {
    const methods = of as Record<string, unknown>;
    const inner = methods[name] as (...args: unknown[]) => unknown;
    methods[name] = function (this: unknown, ...args: never[]): unknown {
      const meant = which(...args);
      if (meant && when === "before") come();
      const result = inner.apply(this, args);
      if (meant && when === "after") come();
      return result;
    };
  };
  wrappers[`${role} ${act}`]!(wrap, come);
  syncBuiltinESMExports();
}

const onWord =
  (word: number) =>
  (wrap: Wrap): void =>
    wrap(SharedWords.prototype, "store", (index: number) => index === word);

const onLock =
  (name: "lock" | "unlock", which: number) =>
  (wrap: Wrap): void =>
    wrap(RingFile.prototype, name, (lock: number) => lock === which);

const onRecords =
  (name: keyof Records) =>
  (wrap: Wrap): void =>
    wrap(Records.prototype, name);

const wrappers: Readonly<Record<string, (wrap: Wrap, come: () => void) => void>> = {
  "writer turn taken": onLock("lock", Lock.writers),
  "writer bytes written": onRecords("writeBytes"),
  "writer half of them written": halfWritten,
  "writer sum written": onRecords("writeHead"),
  "writer tail stored": onWord(RingWord.tail),
  "writer bell rung": (wrap) => wrap(BellRope.prototype, "ring"),
  "writer turn over": onLock("unlock", Lock.writers),
  "reader ring taken": onLock("lock", Lock.readers),
  "reader bell hung": (wrap) => wrap(addon()!, "watchStart"),
  "reader generation stored": onWord(RingWord.generation),
  "reader record read": onRecords("read"),
  "reader handing out noted": onRecords("hand"),
  "reader settled out of turn": onRecords("settle"),
  "reader head stored": onWord(RingWord.head),
  "reader sleep stored": onWord(RingWord.sleeping),
  "maker file opened": (wrap) => wrap(fs, "openSync", (path: string) => path.endsWith(".new")),
  "maker file locked": (wrap) =>
    wrap(addon()!, "byteLock", (...[, at]: [unknown, unknown]) => at === Lock.making),
  "maker bytes written": (wrap) => wrap(fs, "writeSync"),
  "maker file synced": (wrap) => wrap(fs, "fsyncSync"),
  "maker file renamed": (wrap) => wrap(fs, "renameSync"),
};

/** Half of a record's bytes are in the ring; the other half is what was there before. */
function halfWritten(_wrap: Wrap, come: () => void): void {
  const { writeBytes } = Records.prototype;
  Records.prototype.writeBytes = function (position, bytes) {
    writeBytes.call(this, position, bytes.subarray(0, bytes.length >> 1));
    come();
    writeBytes.call(this, position, bytes);
  };
}
