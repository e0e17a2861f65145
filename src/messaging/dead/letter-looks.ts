import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { laneOf } from "../hot-keys/placement.ts";
import type { BlockedKeys } from "./blocked-keys.ts";
import { provenanceOf } from "./letter.ts";

/** What is known of blocked keys is looked after again when it is as old as that and somebody needs it, in milliseconds. */
const oldMs = 60_000;
/** Looks that are joined into one, where a broker shows one looker what it hides from another meanwhile, and the least time between them in milliseconds. */
const triesMax = 3;
const againMs = 150;

/** Looks at the dead letters of a group: one look at a time, for as many shards as have come by its beginning. */
export class LetterLooks {
  readonly #broker: Broker;
  readonly #dead: Channel;
  readonly #blocked: BlockedKeys;
  readonly #env: Env;
  #running: Promise<unknown> = Promise.resolve();
  #next: { readonly look: Promise<number>; readonly shards: Set<string> } | undefined;
  #looking = false;
  #lookedAt = 0;

  constructor(broker: Broker, dead: Channel, blocked: BlockedKeys, env: Env) {
    this.#broker = broker;
    this.#dead = dead;
    this.#blocked = blocked;
    this.#env = env;
  }

  /** Resolves with how many letters there are, when a look that began after the shard came is over. Rejects when it did not show all. */
  look(shard: string | undefined, max: number): Promise<number> {
    if (this.#next === undefined) {
      const shards = new Set<string>();
      const look = this.#running
        .catch(() => undefined)
        .then(() => {
          this.#next = undefined;
          return this.#look(shards, max);
        });
      this.#running = look;
      this.#next = { look, shards };
    }
    if (shard !== undefined) this.#next.shards.add(shard);
    return this.#next.look;
  }

  /** Looks again when what is known is old. */
  now(max: number): void {
    if (this.#looking || this.#env.now() - this.#lookedAt < oldMs) return;
    this.#lookedAt = this.#env.now();
    if (this.#broker.capabilities.browse) this.look(undefined, max).catch(() => undefined);
  }

  async #look(shards: ReadonlySet<string>, max: number): Promise<number> {
    this.#looking = true;
    try {
      this.#blocked.lookBegins();
      const letters = await this.#all(max);
      this.#blocked.seen(
        letters.flatMap((letter) => {
          const key = laneOf(letter);
          const { shard = "", order = 0 } = provenanceOf(letter) ?? {};
          return key === undefined ? [] : [{ key, shard, order }];
        }),
        (shard) => shards.has(shard),
      );
      this.#lookedAt = this.#env.now();
      return letters.length;
    } finally {
      this.#looking = false;
    }
  }

  /** All letters, or an error: a key of which the letter was not seen would be taken for free. */
  async #all(max: number): Promise<readonly Envelope[]> {
    const found = new Map<string, Envelope>();
    const { replay } = this.#broker.capabilities;
    const most = 2 * max; // consumers that bury at the same time may go past the bound
    for (let tries = 1; ; tries++) {
      const letters = await this.#broker.browse(this.#dead, undefined, most);
      for (const letter of letters)
        found.set(`${letter.id} ${provenanceOf(letter)?.order}`, letter);
      if (found.size >= most)
        throw unseen(`there are ${most} dead letters or more in ${this.#dead.name}`);
      if (!this.#broker.capabilities.lag) break;
      const { waiting, shards } = await this.#broker.lag(this.#dead, undefined);
      if (shards.some(({ consumer }) => consumer !== undefined))
        throw unseen(`somebody takes letters out of ${this.#dead.name}`);
      // Where nothing can be replayed, a look takes messages and gives them back: another one at that time sees less.
      const sure = replay || tries > 1;
      if ((sure && found.size >= waiting) || tries === triesMax) break;
      await sleep(this.#env, againMs * (1 + this.#env.random()));
    }
    return [...found.values()];
  }
}

function unseen(why: string): Error {
  return systemError("UNAVAILABLE", `it cannot be said which keys are blocked: ${why}`, {
    executed: "no",
    advice:
      "nothing is handled that might overtake them; where they are too many, raise letters.max",
  });
}
