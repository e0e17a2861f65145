import type { Fate } from "./plan.ts";

/** One message as the database knows it, from the moment in which its transaction was committed. */
export interface Committed {
  readonly id: string;
  readonly key: string | undefined;
  readonly fate: Fate;
  readonly at: number;
  /** A failover has forgotten its transaction: it may have been published, and need not be. */
  forgotten: boolean;
}

/** Of one run so many are told. */
const toldMax = 8;

/** What was committed, in its order, and what came of it. */
export class Ledger {
  readonly committed = new Map<string, Committed>();
  /** Ids in the order in which their effects were committed, repetitions too. */
  readonly effects: string[] = [];
  transactions = 0;

  commit(message: Omit<Committed, "forgotten">): void {
    this.committed.set(message.id, { ...message, forgotten: false });
  }

  /** All that was committed after that instant never was. */
  forget(since: number): void {
    for (const each of this.committed.values()) if (each.at > since) each.forgotten = true;
  }

  get owed(): number {
    const effects = new Set(this.effects);
    return [...this.committed.values()].filter(
      ({ id, forgotten }) => !forgotten && !effects.has(id),
    ).length;
  }

  /** Everything that a promise was broken by, after all was mended and had its time. `parked`: later messages wait for a refused one of their key. */
  lies(parked: boolean): string[] {
    const lies: string[] = [];
    const times = new Map<string, number>();
    for (const id of this.effects) times.set(id, (times.get(id) ?? 0) + 1);
    for (const { id, key, forgotten } of this.committed.values())
      if (!forgotten && !times.has(id)) lies.push(`${id} of ${key} is lost`);
    for (const [id, count] of times) {
      if (count > 1) lies.push(`${id} has its effect ${count} times`);
      if (!this.committed.has(id)) lies.push(`${id} has an effect, and was never committed`);
    }
    return [...lies, ...this.#disorder(parked)].slice(0, toldMax);
  }

  /** Effects of one key that came in another order than the commits of what was published. */
  #disorder(parked: boolean): string[] {
    const place = new Map<string, number>();
    for (const [index, id] of [...new Set(this.effects)].entries()) place.set(id, index);
    const lies: string[] = [];
    const byKey = Map.groupBy(
      [...this.committed.values()].filter(
        ({ id, key, forgotten, fate }) =>
          key !== undefined && !forgotten && place.has(id) && (parked || fate === "fine"),
      ),
      ({ key }) => key,
    );
    for (const [key, of] of byKey)
      for (let index = 1; index < of.length; index++) {
        const [before, after] = [of[index - 1]!, of[index]!];
        if (place.get(after.id)! < place.get(before.id)!)
          lies.push(`${after.id} of ${key} came before ${before.id}`);
      }
    return lies;
  }
}
