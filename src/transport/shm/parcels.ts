import { mayBeKept } from "../../base/given.ts";
import type { Addon } from "../../os/addon.ts";
import { RingReader } from "../../os/ring-reader.ts";
import { RingWriter } from "../../os/ring-writer.ts";
import {
  adoptSegment,
  createSegment,
  segmentBytes,
  type OwnSegment,
  type Segment,
} from "../../os/segment.ts";
import { Word, type Words } from "../../os/words.ts";
import type { Descriptors } from "./descriptors.ts";
import { processMemory } from "./process-memory.ts";

/** Payloads of more bytes than one frame has go as parcels: copied in and out once, instead of into frames, the ring, fragments and the whole. */
export const parcelBytesMin: number = 64 * 1024;

/** The ring for parcels of each direction, in bytes, and so the largest parcel. What finds no room in it goes as frames do. */
export const parcelRingBytes: number = 4 * 1024 * 1024;

/** The memory is made for the third of them on a connection: it takes as long as two go. */
const worthFrom = 3;

/** What the two halves of a connection's parcels work with. */
export interface ParcelPlace {
  readonly os: Addon;
  readonly descriptors: Descriptors;
  readonly nonce: Uint8Array;
  /** The words of the connection's own rings. */
  readonly own: Words;
  readonly peer: Words;
  /** What the process may share in all, in bytes. */
  readonly processBytesMax: number;
}

/**
 * Puts large payloads into a second ring, which is for nothing else. What stands in the first one says where in the order of frames each
 * belongs, so nobody is woken for them, and they need no frame of their own.
 */
export class ParcelsOut {
  readonly #place: ParcelPlace;
  #wished = 0;
  #segment: OwnSegment | undefined;
  #writer: RingWriter | undefined;
  /** The other side has the memory. */
  #given = false;
  #over = false;

  constructor(place: ParcelPlace) {
    this.#place = place;
  }

  /** True: the other side finds all of them there. False: there is no room now. Throws where its words make no sense. */
  put(bytes: Uint8Array): boolean {
    if (bytes.length < parcelBytesMin || bytes.length > parcelRingBytes || this.#over) return false;
    if (this.#writer === undefined && (++this.#wished < worthFrom || !this.#make())) return false;
    if (!this.#given && !this.#give()) return false;
    const writer = this.#writer!;
    const room = writer.room(bytes.length);
    if (room < 0) throw new Error("the peer has read more parcels than there were");
    if (room < bytes.length) return false;
    writer.write(bytes, 0);
    writer.publish();
    return true;
  }

  close(): void {
    this.#over = true;
    if (this.#segment === undefined) return;
    if (!this.#given) this.#place.os.descriptorClose(this.#segment.fd);
    this.#segment.release();
    processMemory.give(segmentBytes(parcelRingBytes));
    this.#segment = undefined;
  }

  #make(): boolean {
    const { os, nonce, peer, processBytesMax } = this.#place;
    const bytes = segmentBytes(parcelRingBytes);
    this.#over = true; // unless it succeeds
    if (!processMemory.take(bytes, processBytesMax)) return false;
    try {
      this.#segment = createSegment(os, parcelRingBytes, nonce);
    } catch {
      processMemory.give(bytes);
      return false;
    }
    const { ring, words } = this.#segment;
    this.#writer = new RingWriter(ring, words, headOf(peer), nobodySleeps);
    this.#over = false;
    return true;
  }

  /** Before the first one: the descriptor goes by the socket. */
  #give(): boolean {
    const { os, descriptors } = this.#place;
    const { fd } = this.#segment!;
    if (!descriptors.send(fd)) return false;
    os.descriptorClose(fd);
    return (this.#given = true);
  }
}

/** Takes them out of the other side's ring. */
export class ParcelsIn {
  readonly #place: ParcelPlace;
  #segment: Segment | undefined;
  #reader: RingReader | undefined;

  constructor(place: ParcelPlace) {
    this.#place = place;
  }

  /** Before each: what is wrong with it; undefined: `take` can be called. Throws where this process cannot have its memory. */
  fault(bytes: number): string | undefined {
    if (!(bytes > 0 && bytes <= parcelRingBytes)) return `it has ${bytes} bytes`;
    return this.#reader === undefined ? this.#adopt() : undefined;
  }

  /** `head`, and behind it the next parcel, in one piece that may be kept; undefined: there are not so many bytes. */
  take(bytes: number, head: Uint8Array): Buffer | undefined {
    const whole = Buffer.allocUnsafeSlow(head.length + bytes);
    whole.set(head);
    if (this.#reader!.read(whole.subarray(head.length)) !== bytes) return undefined;
    mayBeKept(whole.buffer);
    return whole;
  }

  close(): void {
    if (this.#segment === undefined) return;
    this.#segment.release();
    processMemory.give(segmentBytes(parcelRingBytes));
    this.#segment = undefined;
  }

  #adopt(): string | undefined {
    const { os, descriptors, nonce, own } = this.#place;
    const fd = descriptors.take();
    if (fd === undefined) return "there is no memory for it";
    if (fd === "lost") throw new Error("this process may open no more files");
    try {
      const segment = adoptSegment(os, fd, nonce, parcelRingBytes);
      if (typeof segment === "string") return segment;
      // The other side has it already: what is counted here keeps further connections from moving.
      processMemory.take(segmentBytes(parcelRingBytes), Infinity);
      this.#segment = segment;
      this.#reader = new RingReader(segment.ring, headOf(own), segment.words, nobodySleeps);
      return undefined;
    } finally {
      descriptors.release(fd);
    }
  }
}

/** The words of a reader of parcels, who can write nothing but the words of the connection: its head among those, and nobody sleeps. */
function headOf(words: Words): Words {
  return {
    load: (index) => (index === Word.head ? words.load(Word.parcels) : 0),
    store: (_head, value) => words.store(Word.parcels, value),
  };
}

/** Frames wake the other side, and parcels wait for nothing. */
function nobodySleeps(): void {}
