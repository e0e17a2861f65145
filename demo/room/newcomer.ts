import { setTimeout as sleep } from "node:timers/promises";
import { client, Reflection } from "trunkline";
import type { Airport } from "../contracts/flight.ts";
import type { Trouble } from "../contracts/control.ts";
import { Tower2 } from "../contracts/tower2.ts";

const asksEveryMs = 25;

/** Requests that a tower has answered, by the version that they were made in: `tower@1`. */
export type Versions = Readonly<Record<string, number>>;

/**
 * Somebody who knows only the next version of the towers' contract, and asks a tower of which the first build does not have
 * it: UNIMPLEMENTED, `executed: "no"`. When the tower has been rolled it answers, and the desks go on with the version that
 * they know, at the same tower and at the same time.
 */
export class Newcomer {
  /** What failed, except for that. */
  readonly troubles: Trouble[] = [];
  /** Answers that were not what the file says. */
  wrong = 0;
  /** What the tower itself counted; empty until it was asked. */
  versions: Versions = {};
  readonly #address: string;
  readonly #airports: readonly Airport[];

  constructor(address: string, airports: readonly Airport[]) {
    this.#address = address;
    this.#airports = airports;
  }

  /** Asks about one airport after the other, until `signal` aborts. */
  async ask(tower: string, signal: AbortSignal): Promise<void> {
    await using calls = client(Tower2, this.#address);
    for (let turn = 0; !signal.aborted; turn++) {
      const { iata, name } = this.#airports[turn % this.#airports.length]!;
      const answer = await calls.airport.result({ iata });
      if (!answer.ok) {
        const { code, executed } = answer.error;
        if (code !== "UNIMPLEMENTED" || executed !== "no")
          this.troubles.push({
            tower,
            operation: "airport",
            code,
            executed,
            moved: false,
            count: 1,
          });
      } else if (answer.value.name !== name) this.wrong++;
      await sleep(asksEveryMs, undefined, { signal }).catch(() => {});
    }
    await using reflection = client(Reflection, this.#address);
    const { operations } = await reflection.stats();
    const counted: Record<string, number> = {};
    for (const { operation, version, count } of operations) {
      const major = `${operation.split(".")[0]}@${Number.parseInt(version, 10)}`;
      counted[major] = (counted[major] ?? 0) + count;
    }
    this.versions = counted;
  }
}
