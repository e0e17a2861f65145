import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { ignored } from "./declarations.ts";
import type { QueuePlan } from "./topology.ts";
import { isHungry, orphan, surplus, wanted, type ShareView } from "./share.ts";

export interface SpreadTerms {
  /** The queue by which members are counted; it is there. */
  readonly members: string;
  /** The queue by which those are counted that have too few shards. */
  readonly hungry: QueuePlan;
  readonly shards: readonly string[];
  readonly env: Env;
  readonly take: (shard: string, connection: Connection) => Promise<void>;
  /** Whether nothing of a shard has come since it was taken. */
  readonly idle: (shard: string) => boolean;
  /** Drains a shard and gives it back. */
  readonly leave: (shard: string) => Promise<void>;
}

/** How often a member looks at the group, in milliseconds, give or take a fifth: for so long shards are nobody's after a crash. */
const beatMs = 1_000;
/** While it has too few shards. */
const hungryBeatMs = 200;

/** A member of a group whose shards are spread over its members. */
export class Spread {
  readonly #terms: SpreadTerms;
  readonly #mine = new Set<string>();
  /** For how many looks in a row each shard has been nobody's. */
  #freeSince: Map<string, number> = new Map();
  /** Taken beyond the share: it stays. */
  #adopted: string | undefined;
  #connection: Connection | undefined;
  #watch: AmqpConnectionChannel | undefined;
  /** The consumer by which the others see that we have too few. */
  #hunger: string | undefined;
  #alarm: Alarm | undefined;
  #beating: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(terms: SpreadTerms) {
    this.#terms = terms;
  }

  /** Takes what is its share at once; looks from then on. */
  async start(connection: Connection): Promise<void> {
    this.#connection = connection;
    this.#mine.clear();
    this.#hunger = undefined;
    await this.#join(connection);
    this.#beating = this.#beat(connection);
    await this.#beating;
  }

  /** The connection is lost, and with it everything. */
  lost(): void {
    this.#connection = undefined;
    this.#mine.clear();
    this.#stopAlarm();
  }

  /** One shard is lost; it is taken again when it is nobody's. */
  dropped(shard: string): void {
    this.#mine.delete(shard);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopAlarm();
    await this.#beating;
    await this.#watch?.close();
  }

  async #join(connection: Connection): Promise<void> {
    const watch = await connection.acquire({ emitErrorsFromChannel: true });
    watch.on("error", ignored);
    this.#watch = watch;
    const { hungry, members } = this.#terms;
    await watch.queueDeclare({ queue: hungry.name, durable: true, arguments: hungry.arguments });
    await watch.basicConsume({ queue: members }, ignored);
  }

  #stopAlarm(): void {
    if (this.#alarm !== undefined) this.#terms.env.clear(this.#alarm);
    this.#alarm = undefined;
  }

  async #beat(connection: Connection): Promise<void> {
    const { env } = this.#terms;
    let hungry = true;
    try {
      if (this.#watch?.active !== true) await this.#join(connection);
      hungry = await this.#look(connection, this.#watch!);
    } catch {
      // Not to be had now: the next look tries again, and a lost connection begins anew.
    }
    if (this.#closed || this.#connection !== connection) return;
    const inMs = (hungry ? hungryBeatMs : beatMs) * (0.8 + 0.4 * env.random());
    this.#alarm = alarmAt(env, env.now() + inMs, () => {
      this.#beating = this.#beat(connection);
    });
  }

  /** True when it has too few shards. */
  async #look(connection: Connection, watch: AmqpConnectionChannel): Promise<boolean> {
    const { shards, env, members, hungry, take, leave } = this.#terms;
    const random = (): number => env.random();
    const counted = async (queue: string): Promise<number> =>
      (await watch.queueDeclare({ queue, passive: true })).consumerCount;
    const view = async (): Promise<ShareView> => ({
      shards: shards.length,
      members: await counted(members),
      hungry: await counted(hungry.name),
      mine: this.#ranked(),
    });
    const seen = await view();
    for (const shard of surplus(seen, random)) await this.#leave(shard, leave);
    const free: string[] = [];
    for (const shard of shards)
      if (!this.#mine.has(shard) && (await counted(shard)) === 0) free.push(shard);
    this.#freeSince = new Map(free.map((shard) => [shard, (this.#freeSince.get(shard) ?? 0) + 1]));
    const left = { ...seen, mine: this.#ranked() };
    const adopted = orphan(left, this.#freeSince, random);
    if (adopted !== undefined) this.#adopted = adopted;
    for (const shard of adopted === undefined ? wanted(left, free, random) : [adopted]) {
      if (this.#closed || this.#connection !== connection) return false;
      if ((await counted(shard)) > 0) continue; // somebody was quicker
      this.#mine.add(shard);
      try {
        await take(shard, connection);
      } catch (error) {
        this.#mine.delete(shard);
        throw error;
      }
    }
    return this.#tell(watch, isHungry({ ...seen, mine: this.#ranked() }));
  }

  /** Those that bring something first, and those kept longest; of those that bring nothing any one may be held in vain. */
  #ranked(): readonly string[] {
    const { env, idle } = this.#terms;
    const held = [...this.#mine];
    const dice = new Map(held.map((shard) => [shard, env.random()]));
    const stays = (shard: string): boolean => shard === this.#adopted || !idle(shard);
    const vain = held.filter((shard) => !stays(shard));
    return [...held.filter(stays), ...vain.toSorted((a, z) => dice.get(a)! - dice.get(z)!)];
  }

  async #leave(shard: string, leave: (shard: string) => Promise<void>): Promise<void> {
    this.#mine.delete(shard);
    await leave(shard);
  }

  async #tell(watch: AmqpConnectionChannel, hungry: boolean): Promise<boolean> {
    if (hungry && this.#hunger === undefined)
      this.#hunger = (
        await watch.basicConsume({ queue: this.#terms.hungry.name }, ignored)
      ).consumerTag;
    else if (!hungry && this.#hunger !== undefined) {
      const tag = this.#hunger;
      this.#hunger = undefined;
      await watch.basicCancel(tag);
    }
    return hungry;
  }
}
