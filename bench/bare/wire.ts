import type { Readable, Writable } from "node:stream";

/** Bytes both ways, over whatever carries them: what a bare peer is made of. */
export interface Wire {
  /** Called once. A chunk may be borrowed for the time of the call. */
  read(taken: (chunk: Buffer) => void): void;
  /** The bytes are not touched any more. False: `drained` is called when there is room again. */
  write(bytes: Buffer): boolean;
  drained(more: () => void): void;
}

/** Two streams, or a duplex twice. */
export function streamWire(reader: Readable, writer: Writable): Wire {
  reader.on("error", () => {});
  writer.on("error", () => {});
  return {
    read: (taken) => void reader.on("data", taken),
    write: (bytes) => writer.write(bytes),
    drained: (more) => void writer.on("drain", more),
  };
}
