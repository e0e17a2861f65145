import type { ItemStream, StreamOptions } from "trunkline";
import { padOf, type Flow, type Transfer } from "./contract.ts";
import type { Entry } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { wait } from "./wait.ts";

interface Reading<Order> {
  readonly order: Order;
  readonly options: StreamOptions;
  /** After so many items the reader leaves. */
  readonly takes: number;
  /** How long it works on each. */
  readonly paceMs: number;
}

/** In a calm world the next item of a stream takes no longer. */
const stallMs = 1_000;

interface Numbered {
  readonly n: number;
  readonly mark: string;
  readonly pad: string;
}

/** Reads a stream as the draw says, and looks at each item. Rejects as the stream does. */
export function read(
  stage: Stage,
  items: ItemStream<Numbered>,
  entry: Entry,
  reading: Reading<Flow>,
): Promise<void> {
  const { count, bytes, end } = reading.order;
  const right = ({ pad }: Numbered): boolean => pad.length === bytes;
  entry.awaits = count;
  return readAll(
    stage,
    items,
    entry,
    reading,
    right,
    () => end === "answer" && entry.taken === count,
  );
}

/** The same with what a duplex answers: how many items these are turns out while they come. */
export function readPieces(
  stage: Stage,
  items: ItemStream<Numbered & { readonly id: string }>,
  entry: Entry,
  reading: Reading<Transfer>,
): Promise<void> {
  const { id, bytes, end } = reading.order;
  const right = (item: Numbered & { readonly id: string }): boolean =>
    item.id === id && item.pad === padOf(id, item.n, bytes);
  const whole = (): boolean => end === "answer" && entry.taken === entry.produced;
  return readAll(stage, items, entry, reading, right, whole);
}

async function readAll<Item extends Numbered>(
  stage: Stage,
  items: ItemStream<Item>,
  entry: Entry,
  { options, takes, paceMs }: Reading<unknown>,
  right: (item: Item) => boolean,
  whole: () => boolean,
): Promise<void> {
  const { ledger, world } = stage;
  while (entry.taken < takes) {
    const askedAt = world.now;
    const next = await items.next().finally(() => inTime(stage, entry, options, askedAt));
    if (next.done === true) {
      const wanted = entry.cancelledAt === Infinity;
      if (wanted && !whole())
        ledger.complain(`${entry.id} ended after ${entry.taken} items, which are not all`);
      return ledger.settle(entry, { ok: true, left: !wanted || !whole() });
    }
    const { n, mark } = next.value;
    if (n !== entry.taken || mark !== `${n}+` || !right(next.value))
      ledger.complain(`item ${entry.taken} of ${entry.id} came as ${n}, ${mark}`);
    entry.taken++;
    if (paceMs > 0) await wait(entry.env, paceMs, undefined);
  }
  entry.cancelledAt = Math.min(entry.cancelledAt, world.now);
  await items.return();
  const after = await items.next();
  if (after.done !== true) ledger.complain(`${entry.id} gave an item after it was left`);
  ledger.settle(entry, { ok: true, left: true });
}

/** An item, or the end, was waited for from `askedAt` until now. */
function inTime(stage: Stage, entry: Entry, options: StreamOptions, askedAt: number): void {
  const { startedAt, dueAt, taken, awaits } = entry;
  const waitedMs = stage.world.now - askedAt;
  if (stage.calm && taken > 0 && taken < awaits && waitedMs > stallMs + stage.wayMs)
    stage.ledger.complain(`${entry.id} waited ${waitedMs.toFixed(0)} ms for item ${taken}`);
  // What a duplex says first may be that it takes our items.
  if (entry.taken === 0 && entry.sending?.openedAt === undefined)
    stage.checkInTime(entry, "the first item came", Math.max(dueAt, askedAt));
  if (options.total !== undefined) {
    const due = startedAt + (options.total as number);
    stage.checkInTime(entry, "the end of its time came", Math.max(due, askedAt));
  }
  // Of a duplex that the server takes our items is a sign of it too.
  if (options.idle !== undefined && entry.taken > 0 && entry.sending === undefined)
    stage.checkInTime(entry, "an item came", askedAt + (options.idle as number));
}
