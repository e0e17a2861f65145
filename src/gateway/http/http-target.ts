import type { Pool } from "undici";
import type * as Undici from "undici";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Share } from "../policy/split.ts";

/** Connections to one target; each carries one request at a time. */
const connectionsMax = 256;

/** Requests under way to one target, those that wait for a connection among them; past it others are chosen, or it is refused. */
const outstandingMax = 1_024;

/** How long making a connection may take, in milliseconds. */
const connectMs = 2_000;

/** Failures in a row after which a target is left alone for a while. */
const failuresMax = 5;

/** How long it is left alone at first, and at most, in milliseconds: twice as long each time. */
const aloneMsFirst = 5_000;
const aloneMsMax = 60_000;

/** A place that speaks plain HTTP, and how it fares. */
export class HttpTarget implements Share {
  readonly id: string;
  readonly weight: number;
  readonly host: string;
  /** Before all paths; without a slash at its end. */
  readonly base: string;
  readonly pool: Pool;
  inFlight = 0;
  readonly #env: Env;
  #failures = 0;
  #aloneMs = aloneMsFirst;
  #aloneUntil = 0;

  constructor(undici: typeof Undici, address: string, weight: number, env: Env) {
    const { origin, host, pathname } = new URL(address);
    this.id = address;
    this.weight = weight;
    this.host = host;
    this.base = pathname.replace(/\/$/, "");
    this.#env = env;
    this.pool = new undici.Pool(origin, {
      connections: connectionsMax,
      pipelining: 1,
      connect: { timeout: connectMs },
    });
  }

  /** It takes no more for now. */
  get full(): boolean {
    return this.inFlight >= outstandingMax;
  }

  /** False while it is left alone. */
  get available(): boolean {
    return this.#env.now() >= this.#aloneUntil;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#aloneMs = aloneMsFirst;
  }

  /** It could not be reached, or did not answer: what it answers is its own affair. */
  failed(): void {
    this.#failures++;
    if (this.#failures < failuresMax) return;
    this.#failures = 0;
    this.#aloneUntil = this.#env.now() + this.#aloneMs;
    this.#aloneMs = Math.min(aloneMsMax, this.#aloneMs * 2);
  }

  /** Lets what is under way end. */
  async close(): Promise<void> {
    await this.pool.close();
  }
}

/** Loads undici, which only those need who hand on plain HTTP. */
export async function loadUndici(): Promise<typeof Undici> {
  try {
    return await import("undici");
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", "handing on plain HTTP needs the package undici", {
      executed: "no",
      cause,
      advice: "npm i undici",
    });
  }
}
