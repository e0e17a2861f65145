import { writeProperties } from "../../src/wire/amqp091/properties.ts";
import type { Message } from "../../src/broker/embedded/message.ts";
import { Dice } from "../dice.ts";
import type { Sent } from "./ledger.ts";
import { exchange, type Life, type Stage } from "./stage.ts";

/** Publishes messages of keys of its own; what has no receipt when the broker ends is sent again, in its order, before anything else. */
export class Publisher {
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #index: number;
  readonly #seqs = new Map<string, number>();
  /** Without a receipt, in the order of their sending. */
  #open: { readonly sent: Sent; batch: number }[] = [];
  #count = 0;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.#dice = new Dice(stage.world, `publisher-${index}`);
    this.#index = index;
    stage.onLife.push((life) => this.#begin(life));
  }

  get open(): number {
    return this.#open.length;
  }

  start(): void {
    const { world, plan } = this.#stage;
    world.in(this.#dice.exponential(plan.everyMs), () => {
      if (!this.#stage.acting) return;
      if (this.#stage.life !== undefined && this.#open.length < plan.inFlight) this.#next();
      this.start();
    });
  }

  #begin(life: Life): void {
    const { storage } = life;
    storage.onSafe(() => {
      if (life.env.alive) this.#hear(storage.safe);
    });
    const again = this.#open;
    this.#open = [];
    for (const { sent } of again) this.#send(sent, life);
  }

  /** Receipts come in order. */
  #hear(safe: number): void {
    while (this.#open.length > 0 && this.#open[0]!.batch <= safe)
      this.#open.shift()!.sent.outcome = "confirmed";
  }

  #next(): void {
    const { plan, life, sent } = this.#stage;
    const dice = this.#dice;
    const key = `${this.#index}.${dice.between(1, plan.keys)}`;
    const seq = (this.#seqs.get(key) ?? 0) + 1;
    this.#seqs.set(key, seq);
    const now = life!.env.wall();
    const message: Sent = {
      id: `m${this.#index}.${++this.#count}`,
      key,
      seq,
      fate: dice.weighted(plan.fates),
      priority: dice.between(0, plan.priorityMax),
      persistent: !dice.chance(plan.transient),
      notBefore: dice.chance(plan.delayed) ? now + dice.between(10, 2_000) : undefined,
      expirationMs: dice.chance(plan.expiring) ? dice.between(1, 1_000) : undefined,
      outcome: "open",
      times: 0,
    };
    sent.set(message.id, message);
    this.#send(message, life!);
  }

  #send(sent: Sent, { host, storage }: Life): void {
    sent.times++;
    const published = host.publish(messageOf(sent), sent.notBefore);
    if (published.refused) sent.outcome = "refused";
    // A receipt of what is nowhere but in memory waits for those before it.
    else this.#open.push({ sent, batch: published.batch });
    this.#hear(storage.safe);
  }
}

function messageOf({ id, key, priority, persistent, expirationMs }: Sent): Message {
  const body = Buffer.from(id);
  const properties = writeProperties({ messageId: id });
  const about = { exchange, routingKey: "", properties, body };
  return { ...about, key, priority, persistent, expirationMs };
}
