import type { TrunklineError } from "../../../base/error.ts";
import type { Attempt } from "../../attempt.ts";
import type { Ask } from "./ask.ts";
import { Exchange, type ExchangeHome } from "./exchange.ts";

/** A notification, over as soon as the service has taken it, or has said anything else: what becomes of it is not told. */
export class PendingNotification extends Exchange {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: TrunklineError) => void;

  constructor(home: ExchangeHome, ask: Ask, attempt: Attempt, input: unknown) {
    super(home, ask, attempt, input);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  protected begin(): void {
    this.finish();
    this.#resolve();
  }

  protected receive(): void {}
  protected end(): void {}

  protected reject(error: TrunklineError): void {
    if (this.answered) this.#resolve();
    else this.#reject(error);
  }
}
