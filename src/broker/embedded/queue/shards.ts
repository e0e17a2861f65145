import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { surplus } from "../../balance.ts";
import type { Member } from "./member.ts";
import type { Part } from "./part.ts";

const revokeMsDefault = 10_000;

/** What the shards of a queue ask of it. */
export interface ShardedQueue {
  /** What a member has of a shard comes back to its place. */
  takeBack(member: Member, part: Part): number;
  pump(): void;
}

/** A shard, and whose it is. */
interface Shard {
  readonly part: Part;
  owner: Member | undefined;
  /** It is being taken away from its owner: nothing more of it is delivered. */
  moving: boolean;
}

/** Who has which shard of a divided queue: sticky, nobody gives away more than is above his share. */
export class Shards {
  readonly #shards: readonly Shard[];
  readonly #queue: ShardedQueue;
  readonly #env: Env;
  #members: readonly Member[] = [];

  constructor(parts: readonly Part[], queue: ShardedQueue, env: Env) {
    this.#shards = parts.map((part) => ({ part, owner: undefined, moving: false }));
    this.#queue = queue;
    this.#env = env;
  }

  of(member: Member): readonly string[] {
    return this.#shards.filter(({ owner }) => owner === member).map(({ part }) => part.name);
  }

  /** Who has a part. */
  ownerOf({ index }: Part): Member | undefined {
    return this.#shards[index]!.owner;
  }

  /** Who may be given messages of a part now. */
  servedOf({ index }: Part): Member | undefined {
    const { owner, moving } = this.#shards[index]!;
    return moving ? undefined : owner;
  }

  /** Divides them among `members`; those of members that have left are free. */
  balance(members: readonly Member[]): void {
    this.#members = members;
    for (const shard of this.#shards) if (shard.owner?.closed === true) free(shard);
    if (members.length === 0) return;
    const settled = this.#shards.map(({ owner, moving }) => (moving ? undefined : owner));
    const taken = surplus(settled, members).map((index) => this.#shards[index]!);
    // All of them before the first one goes: each that has gone is balanced anew.
    for (const shard of taken) shard.moving = true;
    for (const shard of taken) void this.#take(shard, shard.owner!);
    for (const shard of this.#shards) {
      if (shard.owner !== undefined) continue;
      const poorest = members.reduce((a, b) => (this.#count(b) < this.#count(a) ? b : a));
      shard.owner = poorest;
      poorest.terms.assigned?.(shard.part.name);
    }
  }

  #count(member: Member): number {
    return this.#shards.filter(({ owner, moving }) => owner === member && !moving).length;
  }

  /** The owner may end what it has begun; what it settles after that is fenced. */
  async #take(shard: Shard, owner: Member): Promise<void> {
    const { part } = shard;
    const { generation } = part;
    const { revokeMs = revokeMsDefault } = owner.terms;
    const ending = owner.terms.revoking?.(part.name);
    if (ending !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const alarm = alarmAt(this.#env, this.#env.now() + revokeMs, resolve);
      void ending.then(resolve, resolve);
      await promise;
      this.#env.clear(alarm);
    }
    if (part.generation !== generation) return;
    if (this.#queue.takeBack(owner, part) > 0) owner.terms.lost?.(part.name);
    free(shard);
    this.balance(this.#members);
    this.#queue.pump();
  }
}

function free(shard: Shard): void {
  shard.owner = undefined;
  shard.moving = false;
  shard.part.generation++;
}
