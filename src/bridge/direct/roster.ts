import { systemError } from "../../base/error.ts";
import type { Instance } from "../../discovery/discovery.ts";
import { hash32 } from "../../base/hash32.ts";
import { instanceTextMax } from "../../discovery/instance.ts";
import { subscriptionsMax } from "./bounds.ts";

/** What one consumer wants, as its process registers it. */
export interface Wanted {
  /** The consumer's id: unique, and it sorts by the time when it began. */
  readonly consumer: string;
  readonly channel: string;
  readonly shape: "queue" | "topic";
  /** Undefined: of a queue there is none; of a topic, this consumer alone. */
  readonly group: string | undefined;
  readonly exclusive: boolean;
}

/** A consumer, and the process that it is in. */
export interface Placed extends Wanted {
  /** The id of the instance. */
  readonly instance: string;
  /** Of its id: by it shards choose. */
  readonly hash: number;
}

/** Who consumes a channel. */
export interface Audience {
  /** By group; a queue has one, whose name is empty. None of them is empty. */
  readonly groups: ReadonlyMap<string, readonly Placed[]>;
  /** Those of a topic who want everything for themselves. */
  readonly alone: readonly Placed[];
}

const nobody: Audience = { groups: new Map(), alone: [] };

/** The group of a queue, which has no other name. */
export const queueGroup = "";

/** Entries of `meta` that a registration uses. */
const entriesMax = 60;

/** What an instance says of itself to those who publish: its wants, packed into as few entries of its `meta` as may be. */
export function writeWants(wants: readonly Wanted[]): Readonly<Record<string, string>> {
  const entries: string[][] = [];
  let chars = Infinity;
  for (const { consumer, channel, shape, group, exclusive } of wants) {
    const row = [
      consumer,
      channel,
      shape === "queue" ? "q" : "t",
      group ?? null,
      exclusive ? 1 : 0,
    ];
    const written = JSON.stringify(row);
    chars += written.length + 1;
    if (chars > instanceTextMax) {
      entries.push([]);
      chars = written.length + 2;
    }
    entries.at(-1)!.push(written);
  }
  if (wants.length > subscriptionsMax || entries.length > entriesMax) {
    throw systemError("RESOURCE_EXHAUSTED", "one process cannot consume so much without a broker", {
      executed: "no",
      advice: `consume at most ${subscriptionsMax} channels in a process, or use a broker`,
    });
  }
  return Object.fromEntries(entries.map((rows, index) => [`w${index}`, `[${rows.join(",")}]`]));
}

/** What somebody else's instance says; what cannot be read of it is left out. */
export function readWants({ id, meta = {} }: Instance): Placed[] {
  return Object.entries(meta).flatMap(([name, written]) =>
    /^w\d+$/.test(name) ? rowsIn(written).flatMap((row) => readRow(row, id)) : [],
  );
}

function rowsIn(written: string): unknown[] {
  try {
    const rows: unknown = JSON.parse(written);
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}

function readRow(row: unknown, instance: string): Placed[] {
  if (!Array.isArray(row)) return [];
  const [consumer, channel, shape, group, exclusive] = row as unknown[];
  if (typeof consumer !== "string" || typeof channel !== "string") return [];
  if ((shape !== "q" && shape !== "t") || (group !== null && typeof group !== "string")) return [];
  const is = shape === "q" ? "queue" : "topic";
  const only = exclusive === 1;
  const wanted = {
    consumer,
    channel,
    shape: is,
    group: group ?? undefined,
    exclusive: only,
  } as const;
  return [placed(wanted, instance)];
}

export function placed(wanted: Wanted, instance: string): Placed {
  return { ...wanted, instance, hash: hash32(wanted.consumer) };
}

/** Who consumes what, over all processes, at one time. */
export class Roster {
  readonly #audiences = new Map<string, { groups: Map<string, Placed[]>; alone: Placed[] }>();
  readonly #consumers = new Map<string, Placed>();

  constructor(consumers: Iterable<Placed>) {
    for (const each of consumers) {
      this.#consumers.set(each.consumer, each);
      const name = `${each.shape} ${each.channel}`;
      let audience = this.#audiences.get(name);
      if (audience === undefined)
        this.#audiences.set(name, (audience = { groups: new Map(), alone: [] }));
      const group = each.shape === "queue" ? queueGroup : each.group;
      if (group === undefined) audience.alone.push(each);
      else audience.groups.set(group, [...(audience.groups.get(group) ?? []), each]);
    }
  }

  audience(shape: "queue" | "topic", channel: string): Audience {
    return this.#audiences.get(`${shape} ${channel}`) ?? nobody;
  }

  has(consumer: string): boolean {
    return this.#consumers.has(consumer);
  }
}
