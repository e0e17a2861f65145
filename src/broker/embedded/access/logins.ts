import { createHmac } from "node:crypto";
import type { Env } from "../../../base/env.ts";
import { Refusal } from "../refusal.ts";
import { isPassword } from "./password.ts";

/** Verifications at a time: each takes a thread of four, and 16 MiB. */
const verifyingMax = 2;
/** Logins that wait for one. Beyond it they are refused, and may come again. */
const waitingMax = 1_000;
/** Passwords that were right, and how long that is known, in milliseconds. */
const rightMax = 10_000;
const rightMs = 10 * 60_000;

/**
 * Verifies passwords beside the event loop. Thousands of clients that reconnect at once are known again: of a password that was
 * right within ten minutes a keyed digest is kept in memory, by a key that nobody else has.
 */
export class Logins {
  readonly #env: Pick<Env, "now">;
  readonly #key: Uint8Array;
  /** When each was found right, in milliseconds of `env.now()`; the oldest first. */
  readonly #right = new Map<string, number>();
  readonly #asked = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #verifying = 0;

  constructor(env: Pick<Env, "now">, key: Uint8Array) {
    this.#env = env;
    this.#key = key;
  }

  /** @throws Refusal (resource-error) when too many wait already. */
  async right(name: string, password: string, kept: string): Promise<boolean> {
    // With what is kept in it, another password makes another digest: nothing needs to be forgotten.
    const digest = createHmac("sha256", this.#key)
      .update(JSON.stringify([name, kept, password]))
      .digest("base64");
    const since = this.#right.get(digest);
    if (since !== undefined && this.#env.now() - since < rightMs) return true;
    const asked = this.#asked.get(digest) ?? this.#verified(digest, password, kept);
    this.#asked.set(digest, asked);
    return asked;
  }

  /** Does work that takes as much as a verification, when it is its turn. @throws Refusal as `right`. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#verifying--;
      else next(); // It has our turn: nobody gets in between.
    }
  }

  async #verified(digest: string, password: string, kept: string): Promise<boolean> {
    try {
      const right = await this.inTurn(() => isPassword(password, kept));
      if (right) this.#remember(digest);
      return right;
    } finally {
      this.#asked.delete(digest);
    }
  }

  async #turn(): Promise<void> {
    if (this.#verifying < verifyingMax) {
      this.#verifying++;
      return;
    }
    if (this.#waiting.length >= waitingMax)
      throw new Refusal(
        "resource-error",
        `${waitingMax} logins wait for their passwords to be verified: come again in a second`,
      );
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #remember(digest: string): void {
    this.#right.delete(digest);
    this.#right.set(digest, this.#env.now());
    if (this.#right.size <= rightMax) return;
    for (const [oldest] of this.#right) {
      this.#right.delete(oldest);
      return;
    }
  }
}
