import type { Fate } from "./plan.ts";

/** One message as its publisher knows it. */
export interface Sent {
  readonly id: string;
  readonly key: string;
  /** Its place among those of its key. */
  readonly seq: number;
  readonly fate: Fate;
  /** The broker has said that it has it. */
  confirmed: boolean;
}

/** What was sent, what it did and where it ended. */
export class Ledger {
  readonly sent = new Map<string, Sent>();
  /** By group: the ids in the order in which their effects came, repetitions too. */
  readonly effects = new Map<string, string[]>();
  /** By group: those that were given up, and why. */
  readonly dead = new Map<string, ReadonlyMap<string, string>>();
  attempts = 0;

  effect(group: string, id: string): void {
    const of = this.effects.get(group) ?? [];
    of.push(id);
    this.effects.set(group, of);
  }

  /** Everything that a promise was broken by. `followed`: later messages of a dead one's key are dead too. */
  lies(group: string, ordered: boolean, followed: boolean, calm: boolean): string[] {
    const effects = this.effects.get(group) ?? [];
    const dead = this.dead.get(group) ?? new Map<string, string>();
    const first = new Map<string, number>();
    for (const [index, id] of effects.entries()) if (!first.has(id)) first.set(id, index);
    const lies: string[] = [];
    if (calm && first.size < effects.length)
      lies.push(
        `${group}: ${effects.length - first.size} effects were doubled, though nothing had failed`,
      );
    const blockedFrom = new Map<string, number>();
    const accused = new Map<string, number>();
    for (const [id, why] of dead) {
      const { key, seq, fate } = this.sent.get(id)!;
      const earliest = (of: Map<string, number>): void =>
        void of.set(key, Math.min(seq, of.get(key) ?? Infinity));
      if (why === "crashed") earliest(accused);
      if (fate === "poison" || fate === "rejected") earliest(blockedFrom);
    }
    for (const sent of this.sent.values()) {
      const { id, key, seq, fate, confirmed } = sent;
      const follows = followed && seq > (blockedFrom.get(key) ?? Infinity);
      // Whose connections are lost two dozen times while it is handled looks as if it ended its consumers; it is told as that.
      if (seq >= (accused.get(key) ?? Infinity)) continue;
      const mustDie = fate === "poison" || fate === "rejected";
      if (first.has(id) && mustDie) lies.push(`${group}: ${id} has an effect, and can have none`);
      if (!confirmed) continue;
      if (!first.has(id) && !dead.has(id)) lies.push(`${group}: ${id} of ${key} is lost`);
      if (dead.has(id) && !mustDie && !follows)
        lies.push(`${group}: ${id} of ${key} (${fate}) is dead, and should not be`);
      if (dead.has(id) && first.has(id) && !mustDie)
        lies.push(`${group}: ${id} of ${key} is dead, and was handled`);
      if (follows && first.has(id))
        lies.push(
          `${group}: ${id} of ${key} was handled, though an earlier one of its key is dead`,
        );
    }
    if (ordered) lies.push(...this.#disorder(group, first));
    return lies;
  }

  #disorder(group: string, first: ReadonlyMap<string, number>): string[] {
    const byKey = new Map<string, Sent[]>();
    for (const id of first.keys()) {
      const sent = this.sent.get(id)!;
      byKey.set(sent.key, [...(byKey.get(sent.key) ?? []), sent]);
    }
    const lies: string[] = [];
    for (const [key, of] of byKey)
      for (let index = 1; index < of.length; index++)
        if (of[index]!.seq < of[index - 1]!.seq)
          lies.push(`${group}: ${of[index]!.id} of ${key} came after ${of[index - 1]!.id}`);
    return lies;
  }
}
