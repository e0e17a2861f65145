import type { Client, Peer } from "trunkline";
import type { SimEnv } from "trunkline/testing";
import type { Work } from "./contract.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Draws } from "./draws.ts";
import type { Transfers } from "./transfers.ts";

/** One life of a process that serves, as its handlers see it. */
export interface Life {
  readonly env: SimEnv;
  /** For the calls that its handlers make. */
  peer(server: number): Client<typeof Work>;
  /** What its handlers send in their turn. */
  readonly draws: Draws;
  readonly transfers: Transfers;
  /** When it was told to stop; Infinity while it was not. */
  stoppingAt: number;
  /** Whoever is asked who may; undefined where everybody may. */
  readonly door: Doorkeeper | undefined;
  /** It serves over the connections that it has dialled, not over those that it has accepted. */
  readonly dials: boolean;
  /** A handler sees who asks. */
  meet(peer: Peer): void;
}
