import type { Transfer } from "./contract.ts";

/** How a caller gives its items. */
export interface Giving {
  /** How many there are. */
  readonly count: number;
  /** How long it takes to make one. */
  readonly everyMs: number;
  /** It can be iterated without waiting. */
  readonly sync: boolean;
  /** Before this item it throws, the item does not match the contract, or it never comes; Infinity for none. */
  readonly failsAt: number;
  readonly invalidAt: number;
  readonly waitsAt: number;
}

/** What has become of the items that one caller sends. */
export class Sent {
  readonly giving: Giving;
  readonly order: Transfer;
  /** What it throws. */
  readonly failure: Error = new Error("the items have failed");
  openedAt: number | undefined;
  /** Items that were given, and that the handler has read. */
  given = 0;
  received = 0;
  /** When the handler read the latest one, and when it was given. */
  receivedAt = 0;
  givenAt = 0;
  /** It has ended by itself, or thrown. */
  ended = false;
  failed = false;
  returned = 0;
  /** It is asked for an item now. */
  asked = false;

  constructor(order: Transfer, giving: Giving) {
    this.order = order;
    this.giving = giving;
  }
}
