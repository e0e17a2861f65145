import { join } from "node:path";

import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { attribute } from "../attributes.ts";
import type { Lag, ShardLag, StartAt } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import type { ChannelFolder } from "./channel-folder.ts";
import { type Claimant, holderIn } from "./claimant.ts";
import { logNameOf } from "./names.ts";
import { neededFrom, PlaceFile } from "./place-file.ts";
import { textAt } from "./place.ts";

/** What waits for a group in one log, the oldest first. */
async function* waiting(
  channel: ChannelFolder,
  group: string | undefined,
  log: number,
  env: Env,
): AsyncGenerator<Envelope, void, undefined> {
  const kept = await PlaceFile.read(channel.group(group).places, log);
  if (kept === undefined) return;
  const { next, open } = kept.place;
  const opened = new Set(open.map(([position]) => position));
  for await (const { position, line } of channel.read(log, {
    position: neededFrom(kept.place),
    before: "",
  })) {
    if (line === undefined || (position < next.position && !opened.has(position))) continue;
    const expiry = line.envelope.attributes[attribute.expirytime];
    const wanted = line.to === undefined || line.to === group;
    if (wanted && !(expiry !== undefined && Date.parse(expiry) <= env.wall())) yield line.envelope;
  }
}

/** The first messages that wait for a group. */
export async function browsed(
  channel: ChannelFolder,
  group: string | undefined,
  limit: number,
  env: Env,
): Promise<readonly Envelope[]> {
  if (!(await channel.hasGroup(group))) return [];
  const found: Envelope[] = [];
  for (let log = 0; log < channel.layout.logs; log++) {
    let left = limit;
    if (left > 0)
      for await (const envelope of waiting(channel, group, log, env)) {
        found.push(envelope);
        if (--left === 0) break;
      }
  }
  return found.toSorted((one, other) => one.time - other.time).slice(0, limit);
}

/** How far a group is behind: all that waits is counted, which costs reading it. */
export async function lagOf(
  channel: ChannelFolder,
  group: string | undefined,
  env: Env,
): Promise<Lag> {
  if (!(await channel.hasGroup(group))) return { waiting: 0, shards: [] };
  const shards: ShardLag[] = [];
  for (let log = 0; log < channel.layout.logs; log++) {
    let count = 0;
    for await (const _ of waiting(channel, group, log, env)) count++;
    const lease = await textAt(join(channel.group(group).leases, logNameOf(log)));
    const consumer = lease === undefined ? undefined : holderIn(lease)?.name;
    shards.push({ shard: channel.shard(log), waiting: count, consumer });
  }
  return { waiting: shards.reduce((sum, each) => sum + each.waiting, 0), shards };
}

/** Puts a group of which nobody runs to another place. */
export async function resetTo(
  channel: ChannelFolder,
  group: string,
  to: StartAt,
  claimant: Claimant,
): Promise<void> {
  const { places, leases } = channel.group(group);
  const claimed: string[] = [];
  try {
    for (let log = 0; log < channel.layout.logs; log++) {
      const lease = join(leases, logNameOf(log));
      if (!(await claimant.claim(lease, "leased")))
        throw systemError("UNAVAILABLE", `a member of ${group} is running`, {
          executed: "no",
          endpoint: channel.shard(log),
          advice: "stop the members of the group first",
        });
      claimed.push(lease);
    }
    for (let log = 0; log < channel.layout.logs; log++) {
      const next = { position: await channel.find(log, to), before: "" };
      await (await PlaceFile.begin(places, log, { next, open: [] }, true)).close();
    }
  } finally {
    for (const lease of claimed) await claimant.release(lease);
  }
}
