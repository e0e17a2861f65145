import { systemError } from "../base/error.ts";
import { given, givesAway } from "../base/given.ts";
import { addon, type Addon } from "./addon.ts";
import { Allowance } from "./allowance.ts";

/** The largest loan in bytes: 512 MiB, which is as much as any payload may have. */
export const loanBytesMax: number = 512 * 1024 * 1024;

/** Loans that a process may have at once; each holds a descriptor. */
const loans = new Allowance(512);

/** What is behind a page, and behind the bytes that are sent in its place. */
class Loan {
  readonly os: Addon | undefined;
  readonly fd: number;
  /** Where they stand once they are sealed, made before: to make it then would let V8 collect garbage while they are sent. */
  readonly #room: ArrayBuffer | undefined;
  #sealed: Buffer | undefined;

  constructor(shared?: { readonly os: Addon; readonly fd: number; readonly room: ArrayBuffer }) {
    this.os = shared?.os;
    this.fd = shared?.fd ?? -1;
    this.#room = shared?.room;
  }

  /** Takes the page from whoever has filled it, once; from then on nobody can write what it held. */
  seal(memory: ArrayBuffer): Buffer {
    if (this.#sealed !== undefined) return this.#sealed;
    if (this.os === undefined || this.#room === undefined) {
      this.#sealed = Buffer.from(memory.transfer());
    } else {
      this.os.memoryTakeBack(memory);
      this.os.memorySeal(this.fd, loanSeals(this.os));
      this.os.memoryMove(this.fd, 0, this.#room, 0);
      this.#sealed = Buffer.from(this.#room);
      lent.set(this.#sealed.buffer, this);
    }
    givesAway(this.#sealed, () => this.#sealed!);
    return this.#sealed;
  }
}

/** By the memory of what was sealed. */
const lent = new WeakMap<ArrayBufferLike, Loan>();

/** Neither the page nor what was sealed of it is referred to any more. Others may still have the memory. */
const forgotten = new FinalizationRegistry<{ os: Addon; fd: number }>(({ os, fd }) => {
  loans.give(1);
  os.descriptorClose(fd);
});

/**
 * Memory of so many bytes, all zero, to be filled and given away: sent as a payload of bytes, once it is filled, over a connection that
 * has moved to shared memory, the receiver gets these very pages, and nothing is copied. Over every other way the bytes are copied, as
 * always. **Sending takes it from you:** from then on it has no bytes (its length is 0), for the others rely on what it held; to read it, or
 * to send it to several, take what `seal` returns. All of it is sent, so ask for as much as you fill. Payloads up to 64 KiB are copied
 * in any case.
 *
 * The memory is there from the first moment: RESOURCE_EXHAUSTED, `executed: "no"`, tells that there is not so much, or that 512 loans are
 * open; INVALID_ARGUMENT that `bytes` is not a whole number from 1 to 536,870,912. It is free when nobody refers to it any more, here or
 * where it was sent. Without the addon (see `trunkline doctor`), and where this process may open no more files, it is ordinary memory, with the
 * same rules.
 */
export function loan(bytes: number): Buffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > loanBytesMax) {
    throw systemError("INVALID_ARGUMENT", `a loan of ${bytes} bytes`, {
      executed: "no",
      advice: `ask for 1 to ${loanBytesMax} bytes`,
    });
  }
  const os = addon();
  const shared = os === undefined ? undefined : create(os, bytes);
  const [made, memory] = shared ?? [new Loan(), new ArrayBuffer(bytes)];
  const page = Buffer.from(memory);
  givesAway(page, () => made.seal(memory));
  return page;
}

/**
 * Closes a page of `loan` as sending it does, and returns its bytes: to be read, and to be sent as often as you like, whole or in parts
 * (`subarray`), to as many as you like, who all read the same memory. They are not to be written: what the others have does not
 * change by it. Bytes that are no page of `loan` are returned as they are.
 */
export function seal(page: Uint8Array): Uint8Array {
  return given(page);
}

/** Where bytes stand that were sealed: which memory, and from where on in it. Undefined: they are ordinary ones. */
export function loanOf(
  bytes: Uint8Array,
): { readonly fd: number; readonly offset: number } | undefined {
  const of = lent.get(bytes.buffer);
  return of === undefined ? undefined : { fd: of.fd, offset: bytes.byteOffset };
}

/** Nobody changes anything of it, nor this. */
export function loanSeals({ sealSeal, sealShrink, sealGrow, sealWrite }: Addon): number {
  return sealSeal | sealShrink | sealGrow | sealWrite;
}

/** Undefined: this process may open no more files. */
function create(os: Addon, bytes: number): [Loan, ArrayBuffer] | undefined {
  if (!loans.fits(1)) {
    throw systemError(
      "RESOURCE_EXHAUSTED",
      `${loans.taken} loans are open, ${loans.most} are allowed`,
      {
        executed: "no",
        advice:
          "let go of those that you have sent, and let the event loop turn: they are free when they are collected",
      },
    );
  }
  let fd = -1;
  try {
    fd = os.memoryCreate("trunkline-loan", bytes);
    const memory = os.memoryMap(fd, 0, bytes, true);
    const made = new Loan({ os, fd, room: os.memoryRoom(bytes, 0) });
    forgotten.register(made, { os, fd });
    loans.take(1, (more) => os.memoryPress(more));
    return [made, memory];
  } catch (cause) {
    if (fd >= 0) os.descriptorClose(fd);
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (code === "EMFILE" || code === "ENFILE") return undefined;
    throw systemError("RESOURCE_EXHAUSTED", `there is no memory for a loan of ${bytes} bytes`, {
      executed: "no",
      advice: "ask for less, or let others go first",
      cause,
    });
  }
}
