import { setTimeout as sleep } from "node:timers/promises";
import { client } from "trunkline";
import { Airports, Flights } from "../contracts/counter.ts";
import type { Airport, Flight } from "../contracts/flight.ts";

const asksEveryMs = 20;

/** Flights and airports that there are not: each of so many questions is one about them. */
const strangeEvery = 25;

/** Somebody who asks the counter over HTTP, and compares what it says with the file. */
export class Public {
  /** Requests that were answered as they should be: with what stands in the file, or with NOT_FOUND. */
  asked = 0;
  /** What was wrong, in words. */
  readonly wrong: string[] = [];
  readonly #address: string;
  readonly #flights: readonly Flight[];
  readonly #airports: readonly Airport[];

  constructor(address: string, flights: readonly Flight[], airports: readonly Airport[]) {
    this.#address = address;
    this.#flights = flights;
    this.#airports = airports;
  }

  /** Asks about one thing after the other, until `signal` aborts. */
  async ask(signal: AbortSignal): Promise<void> {
    await using flights = client(Flights, this.#address);
    await using airports = client(Airports, this.#address);
    for (let turn = 0; !signal.aborted; turn++) {
      const flight = this.#flights[(turn * 37) % this.#flights.length]!;
      const { iata, name } = this.#airports[turn % this.#airports.length]!;
      if (turn % strangeEvery === 0) {
        const found = await flights.get.result(this.#flights.length + 1);
        this.#note(!found.ok && found.error.code === "NOT_FOUND", "a flight that there is not");
      } else if (turn % 2 === 0) {
        const found = await flights.get.result(flight.number);
        const same = found.ok && JSON.stringify(found.value) === JSON.stringify(flight);
        this.#note(same, `flight ${flight.number}: ${told(found)}`);
      } else {
        const found = await airports.get.result(iata);
        this.#note(found.ok && found.value.name === name, `airport ${iata}: ${told(found)}`);
      }
      await sleep(asksEveryMs, undefined, { signal }).catch(() => {});
    }
  }

  #note(right: boolean, what: string): void {
    if (right) this.asked++;
    else this.wrong.push(what);
  }
}

function told(found: { readonly ok: boolean; readonly error?: unknown }): string {
  return found.ok ? "not what the file says" : String(found.error).split("\n")[0]!;
}
