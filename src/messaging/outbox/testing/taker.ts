import assert from "node:assert/strict";
import * as z from "zod";
import { sleep } from "../../../base/alarm.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { realEnv } from "../../../base/real-env.ts";
import type { Broker, Outgoing, Receipt } from "../../../broker/broker.ts";
import { contract } from "../../../contract/contract.ts";
import { event } from "../../../contract/event.ts";

export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string(), number: z.int() }), key: "id" }),
  },
);

export interface Taken {
  readonly id: string;
  readonly key: string | undefined;
  readonly number: number;
}

/** Takes what it is given and writes it down, unless it is told otherwise. */
export class Taker {
  readonly taken: Taken[] = [];
  /** How many it takes; then it is away. */
  room = Infinity;

  get broker(): () => Promise<Broker> {
    return () =>
      Promise.resolve({
        capabilities: { bytesMax: 2 ** 20 },
        declare: () => [],
        publish: (all: readonly Outgoing[]) => this.#take(all),
      } as unknown as Broker);
  }

  get numbers(): number[] {
    return this.taken.map(({ number }) => number).toSorted((a, b) => a - b);
  }

  /** In the order of the publisher, for each key. */
  assertOrder(): void {
    const last = new Map<string, number>();
    for (const { key, number } of this.taken) {
      if (key === undefined) continue;
      assert.ok((last.get(key) ?? -1) <= number, `${key}: ${number} after ${last.get(key)}`);
      last.set(key, number);
    }
  }

  #take(all: readonly Outgoing[]): Promise<(Receipt | TrunklineError)[]> {
    return Promise.resolve(
      all.map(({ envelope }) => {
        if (this.taken.length >= this.room)
          return systemError("UNAVAILABLE", "the broker is away", { executed: "maybe" });
        const { number } = JSON.parse(Buffer.from(envelope.data).toString()) as Taken;
        this.taken.push({ id: envelope.id, key: envelope.subject, number });
        return { enqueued: "accepted" } as const;
      }),
    );
  }
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 3_000, `in vain: ${what}`);
    await sleep(realEnv(), 10);
  }
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
