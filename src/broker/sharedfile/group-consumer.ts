import { watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

import { alarmAt, atMost } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Consumer, Delivery, Subscription } from "../broker.ts";
import type { ChannelFolder, GroupFolder } from "./channel-folder.ts";
import { Claimant } from "./claimant.ts";
import { logNameOf } from "./names.ts";
import { OwnedLog } from "./owned-log.ts";
import { PlaceFile, type GroupPlace } from "./place-file.ts";

/** Members look this often who of them is there still. What they do in order is told to them at once, where the system tells of files. */
const lookMs = 500;
const revokeMsDefault = 10_000;

export interface GroupConsumerTerms {
  readonly channel: ChannelFolder;
  /** Undefined: of a topic, this consumer alone. */
  readonly folder: GroupFolder | undefined;
  readonly subscription: Subscription;
  readonly name: string;
  /** Places are on the disk before anything is settled. */
  readonly synced: boolean;
  /** The system tells of what others write. */
  readonly told: boolean;
  readonly env: Env;
  readonly closed: (consumer: GroupConsumer) => void;
}

/**
 * Consumes the logs that it has leased. Each member of a group has a file in a folder, the oldest is the first; each takes as many logs as are his
 * share, and gives back what is more when another comes. So of a channel with one log one member consumes, and the others stand by.
 */
export class GroupConsumer implements Consumer {
  readonly #terms: GroupConsumerTerms;
  readonly #deliver: (batch: readonly Delivery[]) => void;
  readonly #owned = new Map<number, OwnedLog>();
  #member: Claimant | undefined;
  #watchers: FSWatcher[] = [];
  #alarm: Alarm | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #paused = false;
  #turn = 0;
  /** Nothing is handed out before who consumes has his consumer. */
  #pumping = true;
  #closing: Promise<void> | undefined;

  private constructor(terms: GroupConsumerTerms, deliver: (batch: readonly Delivery[]) => void) {
    this.#terms = terms;
    this.#deliver = deliver;
  }

  static async open(
    terms: GroupConsumerTerms,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<GroupConsumer> {
    const consumer = new GroupConsumer(terms, deliver);
    try {
      if (terms.folder === undefined) await consumer.#takeAll();
      else await consumer.#enter(terms.folder);
    } catch (error) {
      await consumer.close();
      throw error;
    }
    terms.env.yield(() => {
      consumer.#pumping = false;
      consumer.#pump();
    });
    return consumer;
  }

  get shards(): readonly string[] {
    return [...this.#owned.values()].map(({ shard }) => shard);
  }

  pause(): void {
    this.#pause(true);
  }

  resume(): void {
    this.#pause(false);
    this.#pumpSoon();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#unwatch();
    await this.#looking;
    await Promise.all([...this.#owned.keys()].map((log) => this.#release(log)));
    await this.#member?.leave();
    this.#terms.closed(this);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    for (const owned of this.#owned.values()) owned.pause(paused);
  }

  async #takeAll(): Promise<void> {
    const { channel, subscription } = this.#terms;
    for (let log = 0; log < channel.layout.logs; log++) {
      const position = await channel.find(log, subscription.from ?? "new");
      this.#own(log, { next: { position, before: "" }, open: [] }, undefined);
    }
  }

  async #enter(folder: GroupFolder): Promise<void> {
    const { name, env } = this.#terms;
    this.#member = await Claimant.enter(folder.members, name, env);
    for (const each of [folder.members, folder.leases]) {
      try {
        const watcher = watch(each, () => this.#lookSoon());
        watcher.on("error", () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        // The system tells of no more files: looking now and then is enough.
      }
    }
    this.#lookSoon();
    await this.#looking;
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    if (this.#alarm !== undefined) this.#terms.env.clear(this.#alarm);
  }

  #lookSoon(): void {
    if (this.#closing !== undefined) return;
    this.#lookAgain = true;
    this.#looking ??= this.#lookOn();
  }

  async #lookOn(): Promise<void> {
    const { env } = this.#terms;
    while (this.#lookAgain && this.#closing === undefined) {
      this.#lookAgain = false;
      // What cannot be done now is tried when it is looked again.
      await this.#look().catch(() => {});
    }
    if (this.#alarm !== undefined) env.clear(this.#alarm);
    if (this.#closing === undefined)
      this.#alarm = alarmAt(env, env.now() + lookMs, () => this.#lookSoon());
    // In the same turn as the last look at whether to look again.
    this.#looking = undefined;
  }

  /** Takes what is due to this member, and gives back what is not. */
  async #look(): Promise<void> {
    const { channel, subscription, env, name } = this.#terms;
    const { members } = this.#terms.folder!;
    if (!(await this.#member!.isKnown())) {
      // The others took it for dead, or somebody has emptied the folder.
      for (const log of this.#owned.keys()) {
        await this.#lose(log);
        await this.#member!.release(this.#lease(log));
      }
      await this.#member!.leave();
      this.#member = await Claimant.enter(members, name, env);
    }
    for (const log of this.#owned.keys())
      if (!(await this.#member!.has(this.#lease(log)))) await this.#lose(log);
    const { id } = this.#member!;
    const all = [...(await this.#member!.others(members)), id].toSorted();
    const { logs } = channel.layout;
    const rank = all.indexOf(id);
    const due = shareOf(rank, subscription.exclusive === true ? 1 : all.length, logs);
    const surplus = [...this.#owned.keys()].slice(due);
    await Promise.all(surplus.map((log) => this.#revoke(log)));
    for (let i = 0; i < logs && this.#owned.size < due && this.#closing === undefined; i++) {
      // Each begins elsewhere, so that they do not all want the same.
      const log = (i + rank * Math.ceil(logs / all.length)) % logs;
      if (this.#owned.has(log)) continue;
      if (await this.#member!.claim(this.#lease(log), "leased")) await this.#gain(log);
    }
  }

  #lease(log: number): string {
    return join(this.#terms.folder!.leases, logNameOf(log));
  }

  async #gain(log: number): Promise<void> {
    const { channel, folder, synced } = this.#terms;
    const { places } = folder!;
    try {
      const found = await PlaceFile.read(places, log);
      // Where nobody knows, everything that there is comes again: nothing is lost.
      const next = { position: await channel.find(log, "first"), before: "" };
      const place = found?.place ?? { next, open: [] };
      this.#own(log, place, await PlaceFile.begin(places, log, place, synced));
    } catch (error) {
      await this.#member!.release(this.#lease(log));
      throw error;
    }
  }

  #own(log: number, place: GroupPlace, keep: PlaceFile | undefined): void {
    const { channel, subscription, told, env } = this.#terms;
    const owned = new OwnedLog({
      log: channel.log(log),
      shard: channel.shard(log),
      group: subscription.group,
      ...{ place, keep, told, env },
      isOurs: async () => keep === undefined || this.#member!.has(this.#lease(log)),
      ready: () => this.#pumpSoon(),
      deliver: (batch) => this.#deliver(batch),
      lost: () => this.#lookSoon(),
    });
    owned.pause(this.#paused);
    this.#owned.set(log, owned);
    subscription.assigned?.(owned.shard);
    this.#pumpSoon();
  }

  async #revoke(log: number): Promise<void> {
    const { revoking, revokeMs = revokeMsDefault } = this.#terms.subscription;
    const owned = this.#owned.get(log)!;
    owned.stopHanding();
    if (revoking !== undefined)
      await atMost(this.#terms.env, revokeMs, revoking(owned.shard)).catch(() => {});
    await this.#release(log);
  }

  /** Writes down what is done, and gives the lease back. */
  async #release(log: number): Promise<void> {
    const owned = this.#owned.get(log);
    if (owned === undefined) return;
    await owned.letGo();
    this.#owned.delete(log);
    if (this.#terms.folder !== undefined)
      await this.#member!.release(this.#lease(log)).catch(() => {});
  }

  async #lose(log: number): Promise<void> {
    const owned = this.#owned.get(log)!;
    this.#owned.delete(log);
    await owned.end();
    this.#terms.subscription.lost?.(owned.shard);
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#terms.env.defer(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Hands out what there is, one of each log in turn, as far as prefetch allows. */
  #pump(): void {
    const all = [...this.#owned.values()];
    let room = this.#terms.subscription.prefetch;
    for (const { unsettled } of all) room -= unsettled;
    for (let dry = 0; room > 0 && dry < all.length;) {
      if (all[this.#turn++ % all.length]!.hand()) {
        room--;
        dry = 0;
      } else dry++;
    }
  }
}

/** How many of so many logs are due to the member of that rank, where so many share them: the oldest have one more where they do not divide. */
function shareOf(rank: number, members: number, logs: number): number {
  if (rank >= members) return 0;
  return Math.floor(logs / members) + (rank < logs % members ? 1 : 0);
}
