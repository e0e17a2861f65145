import type { Instance } from "./discovery.ts";
import { sameInstance } from "./instance.ts";

/**
 * `ready`: the registry says so. `absent`: the registry does not name it (any more), and nothing speaks against it: to be used like
 * a ready one. `draining`: it is about to go, nothing new for it.
 */
export type MemberState = "ready" | "absent" | "draining";

/** An instance to be used. Immutable: what changes is another object. */
export interface Member {
  readonly instance: Instance;
  /** When it came into the set, in milliseconds of `env.now()`. */
  readonly since: number;
  readonly state: MemberState;
}

/** What became of a set. `changed` has the new members. */
export interface MemberChanges {
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  readonly changed: readonly Member[];
}

/** A member, and what is known of it. */
export interface Entry {
  member: Member;
  /** What breakers and connections say; undefined: nothing yet. */
  healthy: boolean | undefined;
  /** When a registry that answers began to leave it out; undefined: it does not, or has not answered since. */
  absentAt: number | undefined;
  suspect: boolean;
}

/** One change of a set while it is made: what it comes to is told as one. */
export class SetChange {
  readonly added: Member[] = [];
  readonly removed: Member[] = [];
  readonly changed: Member[] = [];
  readonly #entries: Map<string, Entry>;
  readonly #now: number;

  constructor(entries: Map<string, Entry>, now: number) {
    this.#entries = entries;
    this.#now = now;
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.removed.push(entry.member);
  }

  present(instance: Instance): void {
    const state = instance.state === "draining" ? "draining" : "ready";
    const entry = this.#entries.get(instance.id);
    if (entry === undefined) return this.#add(instance, state);
    entry.absentAt = undefined;
    entry.suspect = false;
    // Another life: what was known of the one before says nothing of it.
    if (entry.member.instance.bootId !== instance.bootId) entry.healthy = undefined;
    this.#become(entry, instance, state);
  }

  /** A later snapshot that leaves it out too does not begin its time anew. */
  absent(entry: Entry, suspect: boolean, now: number): void {
    if (entry.absentAt === undefined) {
      entry.absentAt = now;
      entry.suspect = suspect;
    }
    this.#become(entry, entry.member.instance, "absent");
  }

  seed(instance: Instance): void {
    this.#add(instance, instance.state === "draining" ? "draining" : "absent");
  }

  #add(instance: Instance, state: MemberState): void {
    const member: Member = { instance, since: this.#now, state };
    const entry = { member, healthy: undefined, absentAt: undefined, suspect: false };
    this.#entries.set(instance.id, entry);
    this.added.push(member);
  }

  #become(entry: Entry, instance: Instance, state: MemberState): void {
    const { member } = entry;
    if (member.state === state && sameInstance(member.instance, instance)) return;
    entry.member = { instance, since: member.since, state };
    this.changed.push(entry.member);
  }
}
