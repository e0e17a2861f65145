import {
  isTrunklineError,
  type Client,
  type ItemStream,
  type Result,
  type TrunklineError,
} from "trunkline";
import type { DeskCounts, Trouble } from "../contracts/control.ts";
import type { Strip } from "../contracts/schedule.ts";
import type { Tower } from "../contracts/tower.ts";
import type { Reporting } from "../member/member.ts";
import type { Towers } from "./towers.ts";
import { Watch } from "./watch.ts";

/** Flights that a desk has in hand at once. */
const controllers = 4;
/** A desk reads that much of a board, then turns to the next tower's. */
const boardLines = 40;
/** No tower answers for this long: then there is nobody to work with. */
const giveUpMs = 30_000;

interface Answered<Value> {
  readonly value: Value;
  /** An earlier try ended with `executed: "maybe"`. */
  readonly maybe: boolean;
}

/** Clears flights, whatever happens to the towers. */
export class Desk implements Reporting {
  readonly #towers: Towers;
  readonly #watch = new Watch();
  readonly #troubles = new Map<string, Trouble>();
  readonly #counts = { cleared: 0, triedAgain: 0, alreadyDone: 0, untrue: 0 };

  constructor(towers: Towers) {
    this.#towers = towers;
  }

  get desk(): DeskCounts {
    const { hung, untyped } = this.#watch;
    const troubles = [...this.#troubles.values()];
    return { ...this.#counts, hung, untyped, troubles };
  }

  takeLatencies(): number[] {
    return this.#watch.takeLatencies();
  }

  /** Clears all flights of the stream: several controllers take them from the same one, each when it has time. */
  async clearAll(departures: ItemStream<Strip>): Promise<void> {
    const control = async (): Promise<void> => {
      for await (const strip of departures) await this.#handle(strip);
    };
    await Promise.all(Array.from({ length: controllers }, control));
  }

  /** Reads one tower's board after the other. Leaving the loop ends the stream, on the tower's side too. */
  async readBoards(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { name, calls } = this.#towers.next();
      try {
        let lines = 0;
        for await (const _ of calls.board(undefined, { signal })) if (++lines === boardLines) break;
      } catch (error) {
        if (!signal.aborted) this.#trouble(name, "board", error);
      }
    }
  }

  async #handle({ number, origin, destination }: Strip): Promise<void> {
    await this.#answer("airport", (tower) => tower.airport.result(destination));
    // One key for the flight, whichever tower is asked and how often: by it the ledger knows the clearance again.
    const options = { idempotencyKey: `flight-${number}` };
    const { value, maybe } = await this.#answer("clear", (tower) =>
      tower.clear.result(number, options),
    );
    this.#counts.cleared++;
    if (maybe) this.#counts.triedAgain++;
    if (value.repeated) this.#counts[maybe ? "alreadyDone" : "untrue"]++;
    await this.#tellAirborne(number, origin);
  }

  /** Nobody answers a notification; one that cannot leave is not worth a second try. */
  async #tellAirborne(flight: number, origin: string): Promise<void> {
    const { name, calls } = this.#towers.next();
    try {
      await calls.airborne({ flight, origin });
    } catch (error) {
      this.#trouble(name, "airborne", error);
    }
  }

  /**
   * Asks one tower after the other until one answers. That is safe after "no", and after "maybe" too, because both
   * operations that are asked like this declare that they are idempotent.
   */
  async #answer<Value, Errors>(
    operation: string,
    ask: (tower: Client<typeof Tower>) => Promise<Result<Value, Errors>>,
  ): Promise<Answered<Value>> {
    const until = performance.now() + giveUpMs;
    for (let maybe = false; ;) {
      const { name, calls } = this.#towers.next();
      const result = await this.#watch.over(() => ask(calls));
      if (result.ok) return { value: result.value, maybe };
      const error: TrunklineError = result.error;
      this.#trouble(name, operation, error);
      if (error.executed === "yes" || performance.now() > until) throw error;
      maybe ||= error.executed === "maybe";
    }
  }

  #trouble(tower: string, operation: string, error: unknown): void {
    if (!isTrunklineError(error)) {
      this.#watch.untyped++;
      return;
    }
    const { code, executed } = error;
    const key = `${tower} ${operation} ${code} ${executed}`;
    const count = (this.#troubles.get(key)?.count ?? 0) + 1;
    this.#troubles.set(key, { tower, operation, code, executed, count });
  }
}
