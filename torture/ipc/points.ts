import { addon, type Addon } from "../../src/os/addon.ts";
import { loanSeals } from "../../src/os/loan.ts";
import { RingReader } from "../../src/os/ring-reader.ts";
import { RingWriter } from "../../src/os/ring-writer.ts";
import { SharedWords, Word } from "../../src/os/words.ts";
import { MovingStream } from "../../src/transport/moving-stream.ts";
import { Descriptors } from "../../src/transport/shm/descriptors.ts";
import { ShmMover } from "../../src/transport/shm/shm-mover.ts";
import { SocketStream } from "../../src/transport/socket-stream.ts";

/**
 * Where a connection is on its way into shared memory, and in it, about in their order. What a step is, is what the sources call: they
 * are wrapped from outside in the process that is to die, and the library knows nothing of it.
 */
export const acts = [
  "memory made",
  "memory mapped",
  "memory sealed",
  "bell made",
  "socket copied",
  "word said",
  "held",
  "detached",
  "memory sent",
  "byte sent",
  "byte received",
  "seals looked at",
  "let go on",
  "read from the other way",
  "ring written",
  "half of it written",
  "tail stored",
  "bell rung",
  "ring read",
  "head stored",
  "sleep stored",
  "wait stored",
  "end stored",
  "descriptor closed",
  "memory let go of",
] as const;

/** Those of memory that is lent, which only calls come to. */
export const loanActs = [
  "loan made",
  "loan taken back",
  "loan sealed",
  "loan sent",
  "loan taken",
  "loan mapped",
] as const;

export type Act = (typeof acts)[number] | (typeof loanActs)[number];
export interface Point {
  readonly when: "before" | "after";
  readonly act: Act;
}

export const points: readonly Point[] = acts.flatMap(pointsAt);
export const loanPoints: readonly Point[] = loanActs.flatMap(pointsAt);

function pointsAt(act: Act): readonly Point[] {
  const after: Point = { when: "after", act };
  // In the midst there is no before.
  return act === "half of it written" ? [after] : [{ when: "before", act }, after];
}

/** Calls `hit` when the process comes to that point for the `nth` time. */
export function watchFor({ when, act }: Point, nth: number, hit: () => void): void {
  let left = nth;
  const come = (): void => {
    if (--left === 0) hit();
  };
  const wrap = <K extends string>(
    of: Record<K, unknown>,
    name: K,
    which: (...args: never[]) => boolean = () => true,
  ): void => {
    const inner = of[name] as (...args: unknown[]) => unknown;
    of[name] = function (this: unknown, ...args: never[]): unknown {
      const meant = which(...args);
      if (meant && when === "before") come();
      const result = inner.apply(this, args);
      if (meant && when === "after") come();
      return result;
    };
  };
  wrappers[act](wrap, come);
}

type Wrap = (
  of: Record<string, unknown>,
  name: string,
  which?: (...args: never[]) => boolean,
) => void;

const onAddon =
  (name: keyof Addon, which?: (...args: never[]) => boolean) =>
  (wrap: Wrap): void =>
    wrap(addon() as unknown as Record<string, unknown>, name, which);

const onClass =
  (of: { readonly prototype: object }, name: string) =>
  (wrap: Wrap): void =>
    wrap(of.prototype as Record<string, unknown>, name);

const onWord =
  (word: number) =>
  (wrap: Wrap): void =>
    wrap(
      SharedWords.prototype as unknown as Record<string, unknown>,
      "store",
      (index: number) => index === word,
    );

const wrappers: Readonly<Record<Act, (wrap: Wrap, come: () => void) => void>> = {
  "memory made": onAddon("memoryCreate"),
  "memory mapped": onAddon("memoryMap"),
  "memory sealed": onAddon("memorySeal"),
  "bell made": onAddon("bellCreate"),
  "socket copied": onAddon("descriptorCopy"),
  // What the connection lends its mover is made for each.
  "word said": (wrap) => {
    const { attach } = ShmMover.prototype;
    ShmMover.prototype.attach = function (line) {
      const own = { ...line };
      wrap(own, "say");
      attach.call(this, own);
    };
  },
  held: onClass(MovingStream, "hold"),
  detached: onClass(SocketStream, "detach"),
  "memory sent": onAddon("socketSend", (...[, , , , fds]: [...unknown[]]) => lengthOf(fds) > 0),
  "byte sent": onAddon("socketSend", (...[, , , , fds]: [...unknown[]]) => lengthOf(fds) === 0),
  "byte received": onAddon("socketReceive"),
  "seals looked at": onAddon("memorySeals"),
  "let go on": onClass(MovingStream, "go"),
  "read from the other way": onClass(MovingStream, "readFrom"),
  "ring written": onClass(RingWriter, "write"),
  "half of it written": halfWritten,
  "tail stored": onWord(Word.tail),
  "bell rung": onAddon("bellRing"),
  "ring read": onClass(RingReader, "read"),
  "head stored": onWord(Word.head),
  "sleep stored": onWord(Word.sleeping),
  "wait stored": onWord(Word.waiting),
  "end stored": onWord(Word.ended),
  "descriptor closed": onAddon("descriptorClose"),
  "memory let go of": onAddon("memoryLetGo"),
  "loan made": onAddon("memoryCreate", (name: string) => name === "trunkline-loan"),
  "loan taken back": onAddon("memoryTakeBack"),
  "loan sealed": onAddon(
    "memorySeal",
    (_fd: number, seals: number) => seals === loanSeals(addon()!),
  ),
  "loan sent": onAddon("socketSend", (...[, , , , fds]: [...unknown[]]) => lengthOf(fds) === 1),
  "loan taken": onClass(Descriptors, "take"),
  "loan mapped": onAddon("memoryCopy"),
};

/** Half of the bytes are in the ring, and nobody can see them; the other half is what was there before. */
function halfWritten(_wrap: Wrap, come: () => void): void {
  const { write } = RingWriter.prototype;
  RingWriter.prototype.write = function (bytes, from) {
    const half = from + ((bytes.length - from) >> 1);
    const first = write.call(this, bytes.subarray(0, half), from);
    come();
    if (first < half - from) return first;
    const second = write.call(this, bytes, half);
    return second < 0 ? second : first + second;
  };
}

function lengthOf(fds: unknown): number {
  return (fds as readonly number[]).length;
}
