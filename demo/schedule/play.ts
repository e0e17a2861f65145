import type { Flight } from "../contracts/flight.ts";
import type { Strip } from "../contracts/schedule.ts";
import { Log } from "../log.ts";

/** Airlines let flights leave in banks; here a new bank is handed out this often. */
const bankEveryMs = 100;

/** Lets the months of the file go by in seconds. */
export class Play {
  /** The flights whose time has come. */
  readonly released: Log<Strip> = new Log();
  readonly #flights: readonly Flight[];
  #timer: NodeJS.Timeout | undefined;

  constructor(flights: readonly Flight[]) {
    this.#flights = flights;
  }

  begin(seconds: number): void {
    if (this.#timer !== undefined) return;
    const first = instantOf(this.#flights[0]!);
    const span = instantOf(this.#flights.at(-1)!) - first;
    const begun = performance.now();
    this.#timer = setInterval(() => {
      const share = (performance.now() - begun) / (seconds * 1_000);
      this.#releaseUntil(first + share * span);
    }, bankEveryMs).unref();
  }

  #releaseUntil(instant: number): void {
    const { released } = this;
    for (;;) {
      const flight = this.#flights[released.size];
      if (flight === undefined) break;
      if (instantOf(flight) > instant) return;
      const { number, origin, destination } = flight;
      released.append({ number, origin, destination });
    }
    released.end();
    clearInterval(this.#timer);
  }
}

function instantOf({ time }: Flight): number {
  return Date.parse(`${time.replaceAll("/", "-").replace(" ", "T")}Z`);
}
