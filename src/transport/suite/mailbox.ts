import { equal } from "node:assert/strict";

import type { Peer } from "../../base/peer.ts";

/** Receives datagrams for tests: keeps copies of them, and who has sent them. */
export class Mailbox {
  readonly datagrams: Buffer[] = [];
  readonly peers: Peer[] = [];
  /** How often the last one was sent again because it had not come. */
  repeats = 0;
  #waiting: { met: () => boolean; resolve: () => void }[] = [];

  readonly hear = (memory: Buffer, from: number, to: number, peer: Peer): void => {
    this.datagrams.push(Buffer.from(memory.subarray(from, to)));
    this.peers.push(peer);
    const met = this.#waiting.filter((each) => each.met());
    this.#waiting = this.#waiting.filter((each) => !met.includes(each));
    for (const each of met) each.resolve();
  };

  /** Resolves as soon as the condition is met; it is looked at whenever something has come. */
  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ met, resolve }));
  }

  has(datagram: Buffer): boolean {
    return this.datagrams.some((each) => each.equals(datagram));
  }

  /** No datagram came twice, but the last one as often as it was sent. */
  distinct(): void {
    const texts = this.datagrams.map((each) => each.toString("hex"));
    const doubled = texts.filter((text, index) => texts.indexOf(text) !== index);
    equal(doubled.length <= this.repeats, true, "nothing came more often than it was sent");
  }
}
