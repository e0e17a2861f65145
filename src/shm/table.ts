import { systemError, type SystemError } from "../base/error.ts";
import type { Codec } from "../codec/codec.ts";
import { json } from "../codec/json.ts";
import type { Addon } from "../os/addon.ts";
import { SnapshotWord, SnapshotWriter, readSnapshot } from "./snapshot.ts";
import {
  createTableFile,
  isAt,
  openTableFile,
  publishTableFile,
  replaceTableFile,
  tableAddon,
  tablePath,
  valueBytesMost,
  type TableFile,
} from "./table-file.ts";

export interface TableOptions {
  /** How the value is written, the same on both sides. Default JSON. `trunkline/codec/…` has others. */
  readonly codec?: Codec;
}

export interface CreateTableOptions extends TableOptions {
  /** The most bytes that a value takes when it is written, up to 64 MiB; the file takes twice that. Default 65,536. */
  readonly valueBytesMax?: number;
}

/** The one writer of a table. */
export interface TableWriter<T> extends Disposable {
  /** Where it is. */
  readonly path: string;
  /** How often a value was set, by this writer and those before, modulo 2³²; 0: never. */
  readonly version: number;
  /** What is in it; undefined: nothing was ever set. */
  get(): T | undefined;
  /**
   * Sets the value, at once and for all readers. Throws INVALID_ARGUMENT when the codec cannot write it, RESOURCE_EXHAUSTED when it takes
   * more than `valueBytesMax`, both `executed: "no"`: then the value before stays.
   */
  set(value: T): void;
  /** Lets go of it; the file and its value stay. Idempotent. */
  close(): void;
}

/** So often somebody else may take the place at this very moment. */
const triesMax = 10;

/**
 * Becomes the writer of a table: one value in memory that all processes of this user read without asking anybody, for configuration, prices,
 * routes: what is read often and written seldom. `place` is a name, then it lives in /dev/shm until the machine is started again; or a path
 * (with a slash), then it lives where that is, and what is set reaches the disk when the system likes. A table that is there is
 * gone on with, whoever wrote it before; a larger `valueBytesMax` than it has, or a smaller one, makes a new file of it.
 *
 * Throws, with `executed: "no"`: UNAVAILABLE while another process, or another call in this one, is its
 * writer; PERMISSION_DENIED; INVALID_ARGUMENT when something else is at the path; RESOURCE_EXHAUSTED when there is no room;
 * UNIMPLEMENTED without the addon, for a value in an ordinary file is not what this promises.
 */
export function createTable<T>(place: string, options: CreateTableOptions = {}): TableWriter<T> {
  const { codec = json, valueBytesMax = 65_536 } = options;
  if (!Number.isInteger(valueBytesMax) || valueBytesMax < 1 || valueBytesMax > valueBytesMost) {
    throw systemError("INVALID_ARGUMENT", `valueBytesMax is ${valueBytesMax}`, {
      executed: "no",
      advice: `give a whole number from 1 to ${valueBytesMost}`,
    });
  }
  const os = tableAddon();
  const path = tablePath(place);
  for (let tries = 0; tries < triesMax; tries++) {
    const file = own(os, path, { valueBytesMax, codec: codec.id });
    if (file !== undefined) return new Writer<T>(path, file, codec);
  }
  throw taken(path);
}

/** The file with its lock; undefined: somebody was faster, and it is to be looked at again. */
function own(os: Addon, path: string, shape: TableFile["shape"]): TableFile | undefined {
  const there = openTableFile(os, path, true);
  if (there === undefined) {
    const made = createTableFile(os, path, shape);
    if (publishTableFile(made.hidden, path)) return made;
    made.close();
    return undefined;
  }
  if (!os.fileLock(there.fd, true)) {
    there.close();
    throw taken(path);
  }
  if (!isAt(path, there.fd)) {
    there.close();
    return undefined;
  }
  if (there.shape.codec !== shape.codec) {
    there.close();
    throw wrongCodec(path);
  }
  if (there.shape.valueBytesMax !== shape.valueBytesMax) return resized(os, path, there, shape);
  there.words.store(SnapshotWord.moved, 0); // who was to replace it has died before
  return there;
}

/** A file of another size, with the same value, in the place of the one that is there. */
function resized(os: Addon, path: string, there: TableFile, shape: TableFile["shape"]): TableFile {
  const snapshot = readSnapshot(there.words, there.slots);
  if (typeof snapshot === "object" && snapshot.bytes.length > shape.valueBytesMax) {
    there.close();
    throw tooLarge(snapshot.bytes.length, shape.valueBytesMax);
  }
  const made = createTableFile(os, path, shape);
  if (snapshot !== undefined && snapshot !== "busy") {
    made.words.store(SnapshotWord.version, snapshot.version - 1);
    new SnapshotWriter(made.words, made.slots).write(snapshot.bytes);
  }
  // Readers look again from here on, and find the old one until the new one is there.
  there.words.store(SnapshotWord.moved, 1);
  replaceTableFile(made.hidden, path);
  there.close();
  return made;
}

class Writer<T> implements TableWriter<T> {
  readonly path: string;
  readonly #file: TableFile;
  readonly #codec: Codec;
  readonly #snapshots: SnapshotWriter;
  #closed = false;

  constructor(path: string, file: TableFile, codec: Codec) {
    this.path = path;
    this.#file = file;
    this.#codec = codec;
    this.#snapshots = new SnapshotWriter(file.words, file.slots);
  }

  get version(): number {
    return this.#open.words.load(SnapshotWord.version);
  }

  get(): T | undefined {
    const { words, slots } = this.#open;
    const snapshot = readSnapshot(words, slots);
    if (typeof snapshot !== "object") return undefined;
    return this.#codec.decode(snapshot.bytes, 0, snapshot.bytes.length) as T;
  }

  set(value: T): void {
    const { shape } = this.#open;
    const bytes = this.#encoded(value);
    if (bytes.length > shape.valueBytesMax) throw tooLarge(bytes.length, shape.valueBytesMax);
    this.#snapshots.write(bytes);
  }

  #encoded(value: T): Uint8Array {
    try {
      const written = this.#codec.encode(value);
      return typeof written === "string" ? Buffer.from(written) : written;
    } catch (cause) {
      const told = cause instanceof Error ? cause.message : String(cause);
      const reason = `the value cannot be written as ${this.#codec.name}: ${told}`;
      throw systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #open(): TableFile {
    if (this.#closed) throw closedTable(this.path);
    return this.#file;
  }
}

export function closedTable(path: string): SystemError {
  return systemError("UNAVAILABLE", `the table at ${path} was closed by this process`, {
    executed: "no",
  });
}

export function wrongCodec(path: string): SystemError {
  return systemError("INVALID_ARGUMENT", `the table at ${path} is written by another codec`, {
    executed: "no",
    advice: "give the same codec on both sides; to change it, remove the file while nobody writes",
  });
}

function tooLarge(bytes: number, bytesMax: number): SystemError {
  const reason = `the value takes ${bytes} bytes, the table has room for ${bytesMax}`;
  return systemError("RESOURCE_EXHAUSTED", reason, {
    executed: "no",
    advice: "create the table with a larger valueBytesMax",
  });
}

function taken(path: string): SystemError {
  return systemError("UNAVAILABLE", `the table at ${path} has a writer already`, {
    executed: "no",
    advice: "a table has one writer: read it here, or wait until that process has ended",
  });
}
