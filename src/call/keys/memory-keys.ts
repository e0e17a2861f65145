import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Claim, Ending, KeyStore } from "./key-store.ts";

/** How much is remembered of keys. Everything has a default. */
export interface MemoryKeysOptions {
  /** Keys that are known at once; with one more the oldest that has ended is forgotten. Default 100,000. */
  readonly keysMax?: number;
  /** How long a key is known after its work has ended, in milliseconds. Default 600,000. */
  readonly ttlMs?: number;
  /** All answers together, in bytes; with more the oldest are forgotten. Default 64 MiB. */
  readonly bytesMax?: number;
  /** An answer of more bytes is not kept: who asks again hears that the work was done. Default 256 KiB. */
  readonly answerBytesMax?: number;
}

/** Makes the store once the clock is known by which it forgets. */
export type KeyStoreFactory = (env: Env) => KeyStore;

/** Remembers keys in this process, for as long as it lives. */
export function memoryKeys(options: MemoryKeysOptions = {}): KeyStoreFactory {
  for (const [name, value] of Object.entries(options) as [string, number][]) {
    if (value >= 1) continue;
    throw systemError("INVALID_ARGUMENT", `${name} must be 1 or more, not ${value}`, {
      executed: "no",
    });
  }
  return (env) => new MemoryKeys(options, env);
}

interface Known {
  readonly input: string;
  ending: Ending | undefined;
  bytes: number;
  expiresAt: number;
}

class MemoryKeys implements KeyStore {
  readonly #keysMax: number;
  readonly #ttlMs: number;
  readonly #bytesMax: number;
  readonly #answerBytesMax: number;
  readonly #env: Env;
  readonly #running = new Map<string, Known>();
  /** In the order in which they have ended. */
  readonly #ended = new Map<string, Known>();
  #bytes = 0;

  constructor(options: MemoryKeysOptions, env: Env) {
    this.#keysMax = options.keysMax ?? 100_000;
    this.#ttlMs = options.ttlMs ?? 600_000;
    this.#bytesMax = options.bytesMax ?? 64 * 1024 * 1024;
    this.#answerBytesMax = options.answerBytesMax ?? 256 * 1024;
    this.#env = env;
  }

  claim(key: string, input: string): Claim {
    this.#expire();
    const known = this.#ended.get(key);
    if (known !== undefined) return { state: "ended", input: known.input, ending: known.ending! };
    const running = this.#running.get(key);
    if (running !== undefined) return { state: "running", input: running.input };
    if (this.#running.size >= this.#keysMax) return { state: "full" };
    this.#running.set(key, { input, ending: undefined, bytes: 0, expiresAt: Infinity });
    this.#shrink();
    return { state: "new" };
  }

  keep(key: string, ending: Ending): void {
    const known = this.#running.get(key);
    if (known === undefined) return;
    this.#running.delete(key);
    const bytes = bytesOf(ending);
    const large = bytes > this.#answerBytesMax;
    known.ending = large && ending.kind === "answer" ? { kind: "large", bytes } : ending;
    known.bytes = bytesOf(known.ending);
    known.expiresAt = this.#env.now() + this.#ttlMs;
    this.#bytes += known.bytes;
    this.#ended.set(key, known);
    this.#shrink();
  }

  forget(key: string): void {
    this.#running.delete(key);
  }

  #expire(): void {
    const now = this.#env.now();
    for (const [key, known] of this.#ended) {
      if (known.expiresAt > now) return;
      this.#drop(key, known);
    }
  }

  #shrink(): void {
    for (const [key, known] of this.#ended) {
      const keys = this.#running.size + this.#ended.size;
      if (keys <= this.#keysMax && this.#bytes <= this.#bytesMax) return;
      this.#drop(key, known);
    }
  }

  #drop(key: string, { bytes }: Known): void {
    this.#ended.delete(key);
    this.#bytes -= bytes;
  }
}

function bytesOf(ending: Ending): number {
  if (ending.kind === "error") return ending.error.reason.length + (ending.error.data?.length ?? 0);
  if (ending.kind !== "answer" || ending.output === undefined) return 0;
  return ending.output.length; // characters of a text: near enough
}
