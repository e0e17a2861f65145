import type { SimEnv } from "trunkline/testing";
import { isTrunklineError } from "../../src/base/error.ts";
import { Dice } from "../dice.ts";
import type { Sent } from "./ledger.ts";
import type { SimBroker } from "./sim-broker.ts";
import type { Stage } from "./stage.ts";

/** One process that publishes messages of keys of its own, those of a key one after the other. */
export class PublisherNode {
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #env: SimEnv;
  readonly #broker: SimBroker;
  readonly #index: number;
  readonly #seqs = new Map<string, number>();
  readonly #busy = new Set<string>();
  publishing = true;
  sending = 0;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.#index = index;
    this.#dice = new Dice(stage.world, `publisher-${index}`);
    this.#env = stage.world.env(`publisher-${index}`);
    this.#broker = stage.broker(this.#env);
  }

  start(): void {
    this.#env.in(this.#dice.exponential(this.#stage.plan.everyMs), () => {
      if (!this.publishing) return;
      void this.#publish();
      this.start();
    });
  }

  async #publish(): Promise<void> {
    const { plan, ledger, channel } = this.#stage;
    const key = `p${this.#index}.k${this.#dice.between(0, plan.keys - 1)}`;
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    this.sending++;
    const seq = (this.#seqs.get(key) ?? 0) + 1;
    this.#seqs.set(key, seq);
    const fate = this.#dice.weighted(plan.fates);
    const sent: Sent = { id: `${key}.${seq}`, key, seq, fate, confirmed: false };
    ledger.sent.set(sent.id, sent);
    const envelope = {
      id: sent.id,
      type: "orders.placed",
      source: `/publisher-${this.#index}`,
      subject: key,
      time: this.#env.wall(),
      contentType: "application/json",
      attributes: {},
      data: new Uint8Array(0),
    };
    // What perhaps arrived is published again under the same id, until it is certain.
    while (!sent.confirmed) {
      const [outcome] = await this.#broker.publish([{ channel, envelope }]);
      sent.confirmed = !isTrunklineError(outcome);
    }
    this.#busy.delete(key);
    this.sending--;
  }
}
