import type { Client } from "trunkline";
import type { SimEnv } from "trunkline/testing";
import type { Work } from "./contract.ts";
import type { Doorkeeper } from "./doorkeeper.ts";

/** One life of a serving process, as its handlers see it. */
export interface Life {
  readonly env: SimEnv;
  /** For the calls that its handlers make. */
  readonly peers: readonly (Client<typeof Work> & AsyncDisposable)[];
  /** When it was told to stop; Infinity while it was not. */
  stoppingAt: number;
  /** Whoever is asked who may; undefined where everybody may. */
  readonly door: Doorkeeper | undefined;
}
