import {
  isTrunklineError,
  type AttemptEvent,
  type Client,
  type ItemStream,
  type Result,
  type TrunklineError,
} from "trunkline";
import { subscribe } from "node:diagnostics_channel";
import { nameAt } from "../addresses.ts";
import type { DeskCounts, Trouble } from "../contracts/control.ts";
import type { Strip } from "../contracts/schedule.ts";
import type { Tower } from "../contracts/tower.ts";
import type { Reporting } from "../member/member.ts";
import { Watch } from "./watch.ts";

/** Flights that a desk has in hand at once. */
const controllers = 4;
/** A desk reads that much of a board, then turns to the next tower's. */
const boardLines = 40;

/** Clears flights, whatever happens to the towers. Which of them is asked, and who else when it dies, is not its business. */
export class Desk implements Reporting {
  readonly #tower: Client<typeof Tower>;
  readonly #watch = new Watch();
  readonly #troubles = new Map<string, Trouble>();
  readonly #counts = { cleared: 0, triedAgain: 0, alreadyDone: 0, untrue: 0 };
  /** The keys of clearances in hand of which a try ended with `executed: "maybe"`. */
  readonly #maybe = new Set<string>();

  constructor(tower: Client<typeof Tower>) {
    this.#tower = tower;
    subscribe("trunkline:attempt", (event) => this.#tried(event as AttemptEvent));
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
      try {
        let lines = 0;
        for await (const _ of this.#tower.board(undefined, { signal }))
          if (++lines === boardLines) break;
      } catch (error) {
        if (!signal.aborted) this.#failed("board", error);
      }
    }
  }

  async #handle({ number, origin, destination }: Strip): Promise<void> {
    await this.#answer("airport", () => this.#tower.airport.result(destination));
    // One key for the flight, whichever tower is asked and how often: by it the ledger knows the clearance again.
    const idempotencyKey = `flight-${number}`;
    const { repeated } = await this.#answer("clear", () =>
      this.#tower.clear.result(number, { idempotencyKey }),
    );
    const maybe = this.#maybe.delete(idempotencyKey);
    this.#counts.cleared++;
    if (maybe) this.#counts.triedAgain++;
    if (repeated) this.#counts[maybe ? "alreadyDone" : "untrue"]++;
    await this.#tellAirborne(number, origin);
  }

  /** Nobody answers a notification; one that cannot leave is not worth a second try. */
  async #tellAirborne(flight: number, origin: string): Promise<void> {
    try {
      await this.#tower.airborne({ flight, origin });
    } catch (error) {
      this.#failed("airborne", error);
    }
  }

  async #answer<Value, Errors>(
    operation: string,
    ask: () => Promise<Result<Value, Errors>>,
  ): Promise<Value> {
    const result = await this.#watch.over(ask);
    if (result.ok) return result.value;
    const error: TrunklineError = result.error;
    this.#failed(operation, error);
    throw error;
  }

  /** A try failed, and the call goes on: that is all the desk gets to know of a tower that died. */
  #tried({ operation, endpoint, code, executed, again, idempotencyKey }: AttemptEvent): void {
    const [contract, name = ""] = operation.split(".");
    if (contract !== "tower" || !again) return;
    if (executed === "maybe" && idempotencyKey !== undefined) this.#maybe.add(idempotencyKey);
    this.#note(nameAt(endpoint), name, { code, executed }, true);
  }

  #failed(operation: string, error: unknown): void {
    if (isTrunklineError(error)) this.#note(nameAt(error.endpoint ?? ""), operation, error, false);
    else this.#watch.untyped++;
  }

  #note(
    tower: string,
    operation: string,
    { code, executed }: Pick<TrunklineError, "code" | "executed">,
    moved: boolean,
  ): void {
    const key = `${tower} ${operation} ${code} ${executed} ${moved}`;
    const count = (this.#troubles.get(key)?.count ?? 0) + 1;
    this.#troubles.set(key, { tower, operation, code, executed, moved, count });
  }
}
