import type { Incoming } from "../../incoming.ts";

/** The requests that a side serves, until their handlers have settled; also those of connections that are gone. */
export class UnderWay {
  count = 0;
  /** Notifications: no connection's end tells them that it is time to stop. */
  readonly #notified = new Set<Incoming>();

  began(incoming: Incoming, answered: boolean): void {
    this.count++;
    if (!answered) this.#notified.add(incoming);
  }

  ended(incoming: Incoming, answered: boolean): void {
    this.count--;
    if (!answered) this.#notified.delete(incoming);
  }

  /** The time to shut down is over: tells those whom no connection tells. */
  stop(): void {
    for (const incoming of [...this.#notified]) incoming.cancel("shutdown");
  }
}
