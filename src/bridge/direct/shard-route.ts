import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import { askAgainMs, goneMs, settledMs } from "./bounds.ts";
import type { Link } from "./link.ts";
import type { Neighbour } from "./neighbour.ts";
import type { Aim, Pending } from "./pending.ts";
import type { Placed } from "./roster.ts";

export interface ShardRouteParts {
  /** Who is to have a message now; undefined: nobody is there that has not been asked. */
  readonly choose: (message: Pending) => Placed | undefined;
  readonly nobody: (message: Pending) => void;
  readonly linkTo: (to: Placed) => Link;
  readonly neighbour: (instance: string) => Neighbour;
  /** Whether discovery knows it. */
  readonly consumes: (consumer: string) => boolean;
  readonly publisher: string;
}

/** Since when a consumer has not answered; undefined: it has, when it was asked last. */
interface Silence {
  since: number | undefined;
}

/**
 * The messages of one shard from this publisher, which go one after the other. When another consumer is to have them, they are
 * held until the one before has settled all that it has of them, or is gone: see `goneMs`. A process that is taken for gone and is
 * not, because it stood still or the network was split, may go on with what it had.
 */
export class ShardRoute {
  readonly aim: Aim;
  readonly #parts: ShardRouteParts;
  readonly #env: Env;
  readonly #held = new Set<Pending>();
  #owner: Placed | undefined;
  /** The owner has some of them, or may have. */
  #left = false;
  #moving = false;

  constructor(aim: Aim, parts: ShardRouteParts, env: Env) {
    this.aim = aim;
    this.#parts = parts;
    this.#env = env;
  }

  /** Who has had messages of it last. */
  get owner(): Placed | undefined {
    return this.#owner;
  }

  get idle(): boolean {
    return this.#held.size === 0 && !this.#moving;
  }

  /** Nothing needs to be known of it: nobody has any of it, as far as anybody was told. */
  get fresh(): boolean {
    return this.idle && !this.#left;
  }

  push(message: Pending): void {
    message.left = () => (this.#left = true);
    message.moveTo(this.#held);
    this.#flush();
  }

  /** Those that came back go before those that are held. */
  giveBack(messages: readonly Pending[]): void {
    const later = [...this.#held];
    for (const message of [...messages, ...later]) message.moveTo(this.#held);
    this.#flush();
  }

  /** Resolves when its consumer has settled what was sent, or is gone, or it is that instant of `env.now()`. */
  async drained(untilMs: number): Promise<void> {
    const silence: Silence = { since: undefined };
    while (this.#owner !== undefined && this.#env.now() < untilMs)
      if (await this.#settled(this.#owner, silence)) return;
  }

  #flush(): void {
    if (this.#moving) return;
    for (const message of this.#held) {
      const to = this.#parts.choose(message);
      if (to === undefined) {
        this.#parts.nobody(message);
      } else if (this.#owner === undefined || this.#owner.consumer === to.consumer) {
        if (this.#owner === undefined) this.#left = false;
        this.#owner = to;
        this.#parts.linkTo(to).push(message);
      } else {
        this.#moving = true;
        void this.#leave(this.#owner);
        return;
      }
    }
  }

  async #leave(owner: Placed): Promise<void> {
    await this.#parts.linkTo(owner).idleOf(String(this.aim.shard));
    // Nobody waits any more when all that is held has expired.
    const silence: Silence = { since: undefined };
    while (this.#left && this.#held.size > 0 && !(await this.#settled(owner, silence)));
    if (this.#held.size > 0) this.#owner = undefined;
    this.#moving = false;
    this.#flush();
  }

  /** Whether it has settled what it had, or is gone. */
  async #settled({ consumer, instance }: Placed, silence: Silence): Promise<boolean> {
    const { publisher, neighbour, consumes } = this.#parts;
    const question = { consumer, publisher, shard: String(this.aim.shard) };
    try {
      const settled = await neighbour(instance).settled(question, settledMs);
      silence.since = undefined;
      return settled;
    } catch (error) {
      const refused =
        isTrunklineError(error) && error.code === "UNAVAILABLE" && error.executed === "no";
      const now = this.#env.now();
      silence.since ??= now;
      if (now - silence.since >= goneMs && (refused || !consumes(consumer))) return true;
      await sleep(this.#env, askAgainMs);
      return false;
    }
  }
}
