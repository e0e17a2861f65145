import type { Addon } from "./addon.ts";
import { SharedWords, type Words } from "./words.ts";

/** The header, which is written once: what the rest is. */
const magic = 0x544b_4c31; // "TKL1"
const endianness = 0x0102_0304;
const major = 1;
/** Where the parts begin, in bytes: the header, the words, the ring. */
const wordsAt = 4_096;
const ringAt = 8_192;
const headerBytes = 4_096;
/** What tells one connection's segments from another's, in bytes. */
export const nonceBytes = 16;

/** The smallest and largest ring, in bytes; both are powers of two. */
export const ringBytesLeast: number = 65_536;
export const ringBytesMost: number = 64 * 1024 * 1024;

/** How much memory a segment with such a ring takes, in bytes. */
export function segmentBytes(ringBytes: number): number {
  return ringAt + ringBytes;
}

/** The memory of one direction. Its owner writes it, the other side can only read it. */
export interface Segment {
  readonly words: Words;
  readonly ring: Buffer;
  /** Unmaps it: whoever still holds a view of it finds it empty. */
  release(): void;
}

/** A segment of our own, and the descriptor by which the other side gets it, which the caller closes. */
export interface OwnSegment extends Segment {
  readonly fd: number;
}

/** Makes a segment, all of its memory at once. Throws as the system does: ENOMEM, ENOSPC, EMFILE. */
export function createSegment(os: Addon, ringBytes: number, nonce: Uint8Array): OwnSegment {
  const fd = os.memoryCreate("trunkline", ringAt + ringBytes);
  let segment: Segment | undefined;
  try {
    const header = os.memoryMap(fd, 0, headerBytes, true);
    new Uint32Array(header).set([magic, major, endianness, ringBytes]);
    new Uint8Array(header).set(nonce, 16);
    os.memoryLetGo(header);
    segment = map(os, fd, ringBytes, true);
    os.memorySeal(fd, seals(os));
    return { ...segment, fd };
  } catch (error) {
    segment?.release();
    os.descriptorClose(fd);
    throw error;
  }
}

/** Maps the segment of the other side, or says what is wrong with it. The descriptor stays the caller's. */
export function adoptSegment(
  os: Addon,
  fd: number,
  nonce: Uint8Array,
  ringBytesMax: number,
): Segment | string {
  const needed = seals(os);
  const has = os.memorySeals(fd);
  // Without these seals the other side could take the memory away while we read it. What is no memfd has none.
  if (has < 0 || (has & needed) !== needed) return "its memory is not sealed";
  const bytes = os.memoryBytes(fd);
  if (bytes < ringAt + ringBytesLeast || bytes > ringAt + ringBytesMax)
    return `its memory has ${bytes} bytes`;
  const header = os.memoryMap(fd, 0, headerBytes, false);
  const [said, version, order, ringBytes = 0] = new Uint32Array(header.slice(0, 16));
  const itsNonce = Buffer.from(header.slice(16, 16 + nonceBytes));
  os.memoryLetGo(header);
  if (said !== magic || order !== endianness) return "its memory holds something else";
  if (version !== major) return `its memory is laid out as of version ${version}`;
  if (!itsNonce.equals(nonce)) return "its memory belongs to another connection";
  if (!isRingSize(ringBytes) || ringBytes > ringBytesMax || bytes !== ringAt + ringBytes)
    return `its ring has ${ringBytes} bytes`;
  return map(os, fd, ringBytes, false);
}

/** Whether a ring can have so many bytes: a power of two, within bounds. */
export function isRingSize(bytes: number): boolean {
  return (
    Number.isInteger(bytes) &&
    bytes >= ringBytesLeast &&
    bytes <= ringBytesMost &&
    (bytes & (bytes - 1)) === 0
  );
}

function map(os: Addon, fd: number, ringBytes: number, writable: boolean): Segment {
  const memory = os.memoryMap(fd, 0, ringAt + ringBytes, writable);
  return {
    words: new SharedWords(memory, wordsAt),
    ring: Buffer.from(memory, ringAt, ringBytes),
    release: () => os.memoryLetGo(memory),
  };
}

/** Nobody changes its size, nobody but who has mapped it already writes it, and nobody changes that. */
function seals({ sealSeal, sealShrink, sealGrow, sealFutureWrite }: Addon): number {
  return sealSeal | sealShrink | sealGrow | sealFutureWrite;
}
