import { Flag, FrameType } from "./frame-type.ts";
import { headerBytes, lengthBytes, requestNBytes } from "./limits.ts";
import { writeHeader, writeInitialRequestN, writeMetadataLength } from "./write.ts";

/** What a fragment takes beside its metadata and data, at most: header, initial credit, length of the metadata. */
export const fragmentHeadBytes: number = headerBytes + requestNBytes + lengthBytes;

/**
 * A request or payload on its way out in fragments: writes one frame after the other, the metadata before the data.
 * Holds the bytes that it was given and copies none. Section "Fragmentation And Reassembly".
 */
export class Fragments {
  readonly streamId: number;
  readonly #type: number;
  /** NEXT and COMPLETE as the whole has them. */
  readonly #flags: number;
  readonly #requestN: number;
  #metadata: Uint8Array | undefined;
  #data: Uint8Array;
  #metadataAt = 0;
  #dataAt = 0;
  #begun = false;

  /** `requestN` is 0 where the type has no initial credit; undefined metadata is none, empty metadata is some. */
  constructor(
    streamId: number,
    type: number,
    flags: number,
    requestN: number,
    metadata: Uint8Array | undefined,
    data: Uint8Array,
  ) {
    this.streamId = streamId;
    this.#type = type;
    this.#flags = flags & (Flag.NEXT | Flag.COMPLETE);
    this.#requestN = requestN;
    this.#metadata = metadata;
    this.#data = data;
  }

  /** The last one was written. */
  get done(): boolean {
    return this.#begun && this.left === 0;
  }

  /** Bytes of metadata and data that were not written yet. */
  get left(): number {
    return this.metadataLeft + this.#dataLeft;
  }

  /** Bytes of metadata that were not written yet. */
  get metadataLeft(): number {
    return this.#metadata === undefined ? 0 : this.#metadata.length - this.#metadataAt;
  }

  /**
   * Writes the next frame with at most `bytesMax` bytes of metadata and data; returns the offset after it. Takes at most
   * `fragmentHeadBytes` more than that. Only the first may carry nothing: with `bytesMax` 0 another gets nowhere.
   */
  write(memory: Buffer, at: number, bytesMax: number): number {
    const metadata = Math.min(bytesMax, this.metadataLeft);
    const data = Math.min(bytesMax - metadata, this.#dataLeft);
    const first = !this.#begun;
    const withMetadata = metadata > 0 || (first && this.#metadata !== undefined);
    this.#begun = true;
    this.#metadataAt += metadata;
    this.#dataAt += data;

    let flags = withMetadata ? Flag.METADATA : 0;
    // rsocket-java and rsocket-py tell an item from a bare end by the N of each of its fragments.
    flags |= first ? this.#flags & Flag.NEXT : Flag.NEXT;
    flags |= this.done ? this.#flags & Flag.COMPLETE : Flag.FOLLOWS;
    let next = writeHeader(
      memory,
      at,
      this.streamId,
      first ? this.#type : FrameType.PAYLOAD,
      flags,
    );
    if (first && this.#requestN > 0) next = writeInitialRequestN(memory, next, this.#requestN);
    if (withMetadata) {
      next = writeMetadataLength(memory, next, metadata);
      next = copied(this.#metadata!, this.#metadataAt - metadata, this.#metadataAt, memory, next);
    }
    next = copied(this.#data, this.#dataAt - data, this.#dataAt, memory, next);
    return next;
  }

  /** Lets go of the bytes: nothing more is to be written. */
  drop(): void {
    this.#metadata = undefined;
    this.#data = nothing;
    this.#metadataAt = this.#dataAt = 0;
  }

  get #dataLeft(): number {
    return this.#data.length - this.#dataAt;
  }
}

const nothing = new Uint8Array(0);

function copied(bytes: Uint8Array, from: number, to: number, memory: Buffer, at: number): number {
  if (from < to) memory.set(bytes.subarray(from, to), at);
  return at + to - from;
}
