import {
  isTrunklineError,
  systemError,
  type SystemError,
  type TrunklineError,
} from "../../base/error.ts";
import type { Receipt } from "../../broker/broker.ts";
import type { Outcome } from "./pending.ts";

const receipt: Receipt = Object.freeze({ enqueued: "accepted" });

/** One message on its way to all who are to have it: a group that has it not is a failure, a consumer on its own is not. */
export class Sending {
  readonly result: Promise<Receipt | TrunklineError>;
  readonly #channel: string;
  readonly #mandatory: boolean;
  readonly #resolve: (result: Receipt | TrunklineError) => void;
  #left: number;
  #taken = 0;
  #failures: TrunklineError[] = [];

  /** `ways`: how many are to have it. */
  constructor(channel: string, mandatory: boolean, ways: number) {
    const { promise, resolve } = Promise.withResolvers<Receipt | TrunklineError>();
    this.result = promise;
    this.#resolve = resolve;
    this.#channel = channel;
    this.#mandatory = mandatory;
    this.#left = ways;
    if (ways === 0) this.#end();
  }

  came(outcome: Outcome, alone: boolean): void {
    if (outcome === "taken") this.#taken++;
    else if (!alone && outcome !== "nobody") this.#failures.push(outcome);
    else if (!alone && this.#mandatory) this.#failures.push(nobodyThere(this.#channel));
    if (--this.#left === 0) this.#end();
  }

  #end(): void {
    const [first] = this.#failures;
    if (first === undefined) return this.#resolve(receipt);
    const nowhere = this.#taken === 0 && this.#failures.every(({ executed }) => executed === "no");
    if (nowhere || (this.#taken === 0 && this.#failures.length === 1)) return this.#resolve(first);
    const all = this.#taken + this.#failures.length;
    this.#resolve(
      systemError(
        isSystem(first) ? first.code : "UNAVAILABLE",
        `${this.#taken} of ${all} groups of ${this.#channel} have it: ${first.reason}`,
        { executed: "maybe", cause: first },
      ),
    );
  }
}

/** There is no store to wait in. */
export function nobodyThere(channel: string): SystemError {
  return systemError("UNAVAILABLE", `nobody consumes ${channel}`, {
    executed: "no",
    gate: "mandatory",
    advice: "start a consumer first, or use a broker, which keeps messages until there is one",
  });
}

function isSystem(error: TrunklineError): error is SystemError {
  return isTrunklineError(error) && !error.declared;
}
