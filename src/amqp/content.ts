import type { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { basicClass } from "../wire/amqp091/limits.ts";
import { PropertyScan } from "../wire/amqp091/property-scan.ts";
import { Fault } from "./fault.ts";

/** What a message says that the broker has to know. */
export interface Known {
  readonly properties: Buffer;
  readonly persistent: boolean;
  readonly priority: number;
  readonly expirationMs: number | undefined;
  readonly delayMs: number | undefined;
  readonly key: string | undefined;
  readonly replyTo: string | undefined;
  readonly userId: string | undefined;
}

/** The headers that concern the broker: how long a message is held back, and by which key it is kept in order. */
const wanted = ["x-delay", "trunkline-key"] as const;

const persistentMode = 2;
const nothing: Buffer = Buffer.alloc(0);

/** Bytes of bodies that have not come whole, of all connections. */
export interface Unfinished {
  bytes: number;
}

/**
 * Puts the content of a published message together: its header, then its body in parts. A body takes the memory of what has come of
 * it, whatever size it says it will have.
 */
export class Content {
  known!: Known;
  body: Buffer = nothing;
  readonly #bytesMax: number;
  readonly #unfinished: Unfinished;
  readonly #scan: PropertyScan;
  #parts: Buffer[] = [];
  #missing = 0;

  constructor(bytesMax: number, unfinished: Unfinished, scan: PropertyScan) {
    this.#bytesMax = bytesMax;
    this.#unfinished = unfinished;
    this.#scan = scan;
  }

  /** Takes the header. True: nothing more belongs to it. @throws Fault */
  begin(reader: ByteReader): boolean {
    const contentClass = reader.short();
    if (contentClass !== basicClass)
      throw new Fault("UNEXPECTED_FRAME", `a content header of class ${contentClass}`);
    reader.short();
    const bytes = reader.longlong();
    if (bytes > this.#bytesMax)
      throw new Fault(
        "PRECONDITION_FAILED",
        `message size ${bytes} is larger than configured max size ${this.#bytesMax}`,
      );
    this.#read(reader);
    this.#parts = [];
    this.body = nothing;
    this.#missing = bytes;
    return bytes === 0;
  }

  /** Takes a part of the body. True: it is whole. @throws Fault */
  take(memory: Buffer, from: number, to: number): boolean {
    const bytes = to - from;
    if (bytes > this.#missing)
      throw new Fault("FRAME_ERROR", "a body is larger than its header says");
    // A copy: the chunk that it lies in holds other things, and would stay as long as the message does.
    const part = Buffer.allocUnsafe(bytes);
    memory.copy(part, 0, from, to);
    this.#missing -= bytes;
    if (this.#missing === 0 && this.#parts.length === 0) this.body = part;
    else {
      this.#parts.push(part);
      this.#unfinished.bytes += bytes;
      if (this.#missing > 0) return false;
      this.body = Buffer.concat(this.#parts);
      this.drop();
    }
    return true;
  }

  /** Forgets what has come of a body. */
  drop(): void {
    for (const { length } of this.#parts) this.#unfinished.bytes -= length;
    this.#parts = [];
  }

  /** Many publishers send the same properties with each message: these are looked at, and kept, once. */
  #read(reader: ByteReader): void {
    const { memory, at, end } = reader;
    const last = this.known as Known | undefined;
    if (last?.properties.length === end - at && last.properties.compare(memory, at, end) === 0)
      return;
    this.known = readKnown(reader, this.#scan);
  }
}

/** Reads the rest of the reader, a copy of which it keeps. @throws Fault, or INVALID_ARGUMENT for what is malformed. */
export function readKnown(reader: ByteReader, scan: PropertyScan): Known {
  const { memory, at, end } = reader;
  scan.scan(reader);
  const [delay, key] = scan.found;
  return {
    properties: Buffer.from(memory.subarray(at, end)),
    persistent: scan.deliveryMode === persistentMode,
    priority: scan.priority,
    expirationMs: scan.expiration === undefined ? undefined : expirationOf(scan.expiration),
    delayMs: typeof delay === "number" && delay > 0 ? delay : undefined,
    key: typeof key === "string" ? key : undefined,
    replyTo: scan.replyTo,
    userId: scan.userId,
  };
}

/** What `Content` looks through properties with. One serves all. */
export function contentScan(): PropertyScan {
  return new PropertyScan(wanted);
}

function expirationOf(text: string): number {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (ms === undefined)
    throw new Fault(
      "PRECONDITION_FAILED",
      `invalid expiration '${text}': not a number of milliseconds`,
    );
  return ms;
}
