import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Codec } from "../codec/codec.ts";
import { json } from "../codec/json.ts";
import type { Addon } from "../os/addon.ts";
import { readSnapshot, SnapshotWord } from "./snapshot.ts";
import { openTableFile, tableAddon, tablePath, type TableFile } from "./table-file.ts";
import { closedTable, wrongCodec, type TableOptions } from "./table.ts";

export interface OpenTableOptions extends TableOptions {
  /** Time, for tests. Default: the machine's. */
  readonly env?: Env;
}

export interface ChangeOptions {
  /** How often it is looked, in milliseconds, from 1 to 60,000. Default 20: a look costs well below a microsecond. */
  readonly everyMs?: number;
}

/** A table as its readers have it. */
export interface TableReader<T> extends Disposable {
  /** Where it is. */
  readonly path: string;
  /** How often a value was set, modulo 2³²; 0: never. */
  readonly version: number;
  /**
   * The value as it was at one moment of this call, never half of one and half of another; undefined: none was ever set. The same object
   * until the next version is read, and not to be changed. Throws UNAVAILABLE when the writer sets values faster than this one can be
   * copied, a thousand times in a row, and INTERNAL when it cannot be read as what the codec writes.
   */
  get(): T | undefined;
  /** Whether somebody is its writer at this moment. A value stays whoever has died. */
  readonly written: boolean;
  /**
   * Tells each version that is seen, the one that is there first; those between two looks are left out. Ends with what is returned, or with
   * the table. What `changed` throws goes to the process as an uncaught exception.
   */
  onChange(changed: (value: T, version: number) => void, options?: ChangeOptions): () => void;
  /** Lets go of the memory. Idempotent. */
  close(): void;
}

/**
 * Opens a table to read it: to look costs no call of the system and nobody's time. Throws, with `executed: "no"`: UNAVAILABLE when no
 * writer has ever created it, PERMISSION_DENIED when it is another user's or others may write it, INVALID_ARGUMENT when something else is at the path or it is
 * written by another codec, UNIMPLEMENTED without the addon. Who can write the file can make its readers fail (by cutting it short), so it
 * belongs to processes that trust each other; its mode is 0600.
 */
export function openTable<T>(place: string, options: OpenTableOptions = {}): TableReader<T> {
  const os = tableAddon();
  const { codec = json, env = realEnv() } = options;
  return new Reader<T>(os, tablePath(place), codec, env);
}

class Reader<T> implements TableReader<T> {
  readonly path: string;
  readonly #os: Addon;
  readonly #codec: Codec;
  readonly #env: Env;
  readonly #alarms = new Set<Alarm>();
  #file: TableFile;
  #version = 0;
  #value: T | undefined;
  #closed = false;

  constructor(os: Addon, path: string, codec: Codec, env: Env) {
    this.#os = os;
    this.path = path;
    this.#codec = codec;
    this.#env = env;
    this.#file = this.#opened();
  }

  get version(): number {
    return this.#current.words.load(SnapshotWord.version);
  }

  get(): T | undefined {
    const { words, slots } = this.#current;
    const version = words.load(SnapshotWord.version);
    if (version === this.#version) return this.#value;
    const snapshot = readSnapshot(words, slots);
    if (snapshot === undefined) return undefined;
    if (snapshot === "busy") {
      throw systemError(
        "UNAVAILABLE",
        `the table at ${this.path} changes faster than it can be read`,
        {
          executed: "no",
          advice: "let its writer gather what it sets",
        },
      );
    }
    this.#value = this.#decoded(snapshot.bytes);
    this.#version = snapshot.version;
    return this.#value;
  }

  #decoded(bytes: Buffer): T {
    try {
      return this.#codec.decode(bytes, 0, bytes.length) as T;
    } catch (cause) {
      const reason = `the value of the table at ${this.path} cannot be read as ${this.#codec.name}`;
      throw systemError("INTERNAL", reason, { executed: "no", cause });
    }
  }

  get written(): boolean {
    return this.#os.fileLocked(this.#current.fd);
  }

  onChange(changed: (value: T, version: number) => void, options: ChangeOptions = {}): () => void {
    const { everyMs = 20 } = options;
    if (!(everyMs >= 1 && everyMs <= 60_000)) {
      throw systemError("INVALID_ARGUMENT", `everyMs is ${everyMs}`, {
        executed: "no",
        advice: "give 1 to 60,000 milliseconds",
      });
    }
    let told = 0;
    let alarm: Alarm;
    const look = (): void => {
      this.#alarms.delete(alarm);
      next();
      let value: T;
      try {
        if (this.version === told) return;
        value = this.get()!;
      } catch (error) {
        // It is gone, or changes faster than it can be read: that may be over at the next look.
        if (isTrunklineError(error) && error.code === "UNAVAILABLE") return;
        throw error;
      }
      told = this.#version;
      changed(value, told);
    };
    const next = (): void => {
      alarm = alarmAt(this.#env, this.#env.now() + everyMs, look);
      this.#alarms.add(alarm);
    };
    const first = alarmAt(this.#env, this.#env.now(), look);
    this.#alarms.add((alarm = first));
    return () => {
      this.#env.clear(alarm);
      this.#alarms.delete(alarm);
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const alarm of this.#alarms) this.#env.clear(alarm);
    this.#alarms.clear();
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The file as it is now: another one may have taken its place. */
  get #current(): TableFile {
    if (this.#closed) throw closedTable(this.path);
    if (this.#file.words.load(SnapshotWord.moved) !== 0) {
      const next = this.#opened();
      this.#file.close();
      this.#file = next;
      this.#version = 0;
      this.#value = undefined;
    }
    return this.#file;
  }

  #opened(): TableFile {
    const file = openTableFile(this.#os, this.path, false);
    if (file === undefined) {
      throw systemError("UNAVAILABLE", `there is no table at ${this.path}`, {
        executed: "no",
        advice: "start its writer (createTable) first",
      });
    }
    if (file.shape.codec !== this.#codec.id) {
      file.close();
      throw wrongCodec(this.path);
    }
    return file;
  }
}
