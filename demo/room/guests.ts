import { addressOf, grpcSocketOf } from "../addresses.ts";
import type { Flight } from "../contracts/flight.ts";
import { usedAirports } from "../flights.ts";
import { rolledTower } from "./disruptions.ts";
import { Foreigner } from "./foreigner.ts";
import { Newcomer } from "./newcomer.ts";
import { Public } from "./public.ts";

/** Those who come from outside: they take no part in the work, and are right about it all the same. */
export class Guests {
  readonly newcomer: Newcomer;
  readonly visitor: Public;
  readonly foreigner: Foreigner;

  /** `counter`: where it listens. */
  constructor(folder: string, counter: string, flights: readonly Flight[]) {
    const airports = usedAirports(flights);
    this.newcomer = new Newcomer(addressOf(folder, rolledTower), airports);
    this.visitor = new Public(counter, flights, airports);
    this.foreigner = new Foreigner(grpcSocketOf(folder, rolledTower), airports);
  }

  /** All of them ask until `signal` aborts. */
  async visit(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.newcomer.ask(rolledTower, signal),
      this.visitor.ask(signal),
      this.foreigner.ask(signal),
    ]);
  }
}
