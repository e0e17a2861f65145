import type { ItemStream, StreamOptions } from "trunkline";
import type { Flow } from "./contract.ts";
import type { Entry } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { wait } from "./wait.ts";

export interface Reading {
  readonly order: Flow;
  readonly options: StreamOptions;
  /** After so many items the reader leaves. */
  readonly takes: number;
  /** How long it works on each. */
  readonly paceMs: number;
}

/** Reads a stream as the draw says, and looks at each item. Rejects as the stream does. */
export async function read(
  stage: Stage,
  items: ItemStream<{ n: number; mark: string; pad: string }>,
  entry: Entry,
  { order, options, takes, paceMs }: Reading,
): Promise<void> {
  const { ledger, world } = stage;
  while (entry.taken < takes) {
    const askedAt = world.now;
    const next = await items.next().finally(() => inTime(stage, entry, options, askedAt));
    if (next.done === true) {
      const whole = entry.taken === order.count && order.end === "answer";
      if (!whole && entry.cancelledAt === Infinity)
        ledger.complain(`${entry.id} ended after ${entry.taken} of ${order.count} items`);
      return ledger.settle(entry, { ok: true, left: !whole });
    }
    const { n, mark, pad } = next.value;
    if (n !== entry.taken || mark !== `${n}+` || pad.length !== order.bytes)
      ledger.complain(`item ${entry.taken} of ${entry.id} came as ${n}, ${mark}`);
    entry.taken++;
    if (paceMs > 0) await wait(entry.env, paceMs, undefined);
  }
  entry.cancelledAt = world.now;
  await items.return();
  const after = await items.next();
  if (after.done !== true) ledger.complain(`${entry.id} gave an item after it was left`);
  ledger.settle(entry, { ok: true, left: true });
}

/** An item, or the end, was waited for from `askedAt` until now. */
function inTime(stage: Stage, entry: Entry, options: StreamOptions, askedAt: number): void {
  const { startedAt, dueAt } = entry;
  if (entry.taken === 0) stage.checkInTime(entry, "the first item came", Math.max(dueAt, askedAt));
  if (options.total !== undefined) {
    const due = startedAt + (options.total as number);
    stage.checkInTime(entry, "the end of its time came", Math.max(due, askedAt));
  }
  if (options.idle !== undefined && entry.taken > 0)
    stage.checkInTime(entry, "an item came", askedAt + (options.idle as number));
}
