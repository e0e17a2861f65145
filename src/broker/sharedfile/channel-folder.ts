import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Drift, StartAt } from "../broker.ts";
import type { Channel } from "../channel.ts";
import type { Claimant } from "./claimant.ts";
import { LogReader, type Bookmark, type Entry } from "./log-reader.ts";
import { fileNameOf, logNameOf } from "./names.ts";
import { PlaceFile } from "./place-file.ts";
import { makeFile, makeFolder, textAt } from "./place.ts";
import { endOf, segmentsOf } from "./segments.ts";

/** How a channel was laid out by who declared it first. */
export interface Layout {
  readonly name: string;
  readonly shape: Channel["shape"];
  readonly ordered: boolean;
  /** Logs: as many as shards where order per key is asked for, one where not. */
  readonly logs: number;
  readonly retentionMs: number | null;
}

/** The group of a queue, which has no name of its own. */
const queueGroup = "queue";

const pauseMs = 10;

/** Where the places, leases and members of a group are. */
export interface GroupFolder {
  readonly path: string;
  readonly places: string;
  readonly leases: string;
  readonly members: string;
}

function layoutOf(channel: Channel): Layout {
  const { name, shape, ordered, shards, retentionMs = null } = channel;
  return { name, shape, ordered, logs: ordered ? shards : 1, retentionMs };
}

/** The folder of one channel: its layout, its logs, its groups. */
export class ChannelFolder {
  readonly path: string;
  readonly layout: Layout;
  readonly #env: Env;

  private constructor(path: string, layout: Layout, env: Env) {
    this.path = path;
    this.layout = layout;
    this.#env = env;
  }

  /** The channel of that name; undefined: nobody has declared it. */
  static async find(channels: string, name: string, env: Env): Promise<ChannelFolder | undefined> {
    const path = join(channels, fileNameOf(name));
    const text = await textAt(join(path, layoutName));
    if (text === undefined) return undefined;
    const layout = layoutIn(text, path);
    if (layout.name === name) return new ChannelFolder(path, layout, env);
    throw systemError("INVALID_ARGUMENT", `${path} is the folder of ${layout.name}, not ${name}`, {
      executed: "no",
      advice: "this file system does not tell capital letters from others: choose another name",
    });
  }

  /** Makes what is missing. All who do so at once come to the same. */
  static async declare(
    channels: string,
    channel: Channel,
    claimant: Claimant,
    waitMs: number,
    env: Env,
  ): Promise<{ readonly folder: ChannelFolder; readonly drifts: readonly Drift[] }> {
    const path = join(channels, fileNameOf(channel.name));
    const wanted = layoutOf(channel);
    let folder = await ChannelFolder.find(channels, channel.name, env);
    if (folder === undefined) {
      await makeFolder(path);
      await makeFolder(join(path, groupsName));
      for (let log = 0; log < wanted.logs; log++) await makeFolder(join(path, logNameOf(log)));
      if (wanted.shape === "queue")
        await new ChannelFolder(path, wanted, env).placeGroup(undefined, "first", claimant, waitMs);
      // From here on it is there.
      await makeFile(join(path, layoutName), `${JSON.stringify(wanted)}\n`, env);
      folder = (await ChannelFolder.find(channels, channel.name, env))!;
    }
    // Another who was first may have wanted more logs.
    for (let log = 0; log < folder.layout.logs; log++) await makeFolder(folder.log(log));
    for (const group of channel.groups) await folder.placeGroup(group, "new", claimant, waitMs);
    return { folder, drifts: driftsOf(wanted, folder.layout) };
  }

  log(log: number): string {
    return join(this.path, logNameOf(log));
  }

  lock(log: number): string {
    return join(this.path, `${logNameOf(log)}.lock`);
  }

  shard(log: number): string {
    const { name, logs } = this.layout;
    return logs === 1 ? name : `${name}[${log}]`;
  }

  group(group: string | undefined): GroupFolder {
    const path = join(this.path, groupsName, fileNameOf(group ?? queueGroup));
    const [places, leases, members] = ["places", "leases", "members"].map((each) =>
      join(path, each),
    ) as [string, string, string];
    return { path, places, leases, members };
  }

  /** The groups that keep a place, by the folders of their places. */
  async places(): Promise<readonly string[]> {
    const groups = join(this.path, groupsName);
    return (await readdir(groups)).map((each) => join(groups, each, "places"));
  }

  /** Whether a group is known here. */
  async hasGroup(group: string | undefined): Promise<boolean> {
    return stat(this.group(group).places).then(
      () => true,
      () => false,
    );
  }

  /** Gives a group that has no place yet a place in each log. */
  async placeGroup(
    group: string | undefined,
    from: StartAt,
    claimant: Claimant,
    waitMs: number,
  ): Promise<GroupFolder> {
    const folder = this.group(group);
    for (const each of [folder.path, folder.places, folder.leases, folder.members])
      await makeFolder(each);
    const lock = join(folder.path, "setup.lock");
    await this.#locked(lock, claimant, waitMs, async () => {
      for (let log = 0; log < this.layout.logs; log++) {
        if ((await PlaceFile.read(folder.places, log)) !== undefined) continue;
        // Who begins where, a moment before this was another's question: what is published from here on is not missed.
        const next = { position: await this.find(log, from), before: "" };
        await (await PlaceFile.begin(folder.places, log, { next, open: [] }, false)).close();
      }
    });
    return folder;
  }

  /** Where in a log is meant. */
  async find(log: number, at: StartAt): Promise<number> {
    const segments = await segmentsOf(this.log(log)).catch(() => []);
    const last = segments.at(-1);
    if (last === undefined) return this.begin(log);
    if (at === "new") return endOf(last);
    const first = segments[0]!.start;
    if (at === "first") return first;
    for await (const { position, line } of this.read(log, { position: first, before: "" }))
      if (line !== undefined && line.envelope.time >= at) return position;
    return endOf(last);
  }

  /** All that stands in a log from a place on, to where it ends now. */
  async *read(log: number, from: Bookmark): AsyncGenerator<Entry, void, undefined> {
    const reader = new LogReader(this.log(log), from, this.#env);
    for (let entries = await reader.read(); entries.length > 0; entries = await reader.read())
      yield* entries;
  }

  /** Where a log that has no segment goes on: behind all that any group has seen. */
  async begin(log: number): Promise<number> {
    let end = 0;
    for (const places of await this.places()) {
      const kept = await PlaceFile.read(places, log).catch(() => undefined);
      end = Math.max(end, kept?.place.next.position ?? 0);
    }
    return end;
  }

  async #locked(
    lock: string,
    claimant: Claimant,
    waitMs: number,
    work: () => Promise<void>,
  ): Promise<void> {
    const until = this.#env.now() + waitMs;
    while (!(await claimant.claim(lock, "held"))) {
      if (this.#env.now() > until)
        throw systemError("UNAVAILABLE", `another process held ${lock} for ${waitMs} ms`, {
          executed: "no",
          retryAfterMs: waitMs,
        });
      await sleep(this.#env, pauseMs);
    }
    try {
      await work();
    } finally {
      await claimant.release(lock);
    }
  }
}

const layoutName = "channel.json";
const groupsName = "groups";

function layoutIn(text: string, path: string): Layout {
  try {
    const { name, shape, ordered, logs, retentionMs } = JSON.parse(text) as Layout;
    if (typeof name === "string" && Number.isSafeInteger(logs) && logs > 0)
      return { name, shape, ordered, logs, retentionMs };
  } catch {
    // It is told below.
  }
  throw systemError("DATA_LOSS", `${path} does not tell how its channel is laid out`, {
    executed: "no",
    advice: "remove the folder, which loses what is in it, and declare the channel again",
  });
}

function driftsOf(wanted: Layout, found: Layout): Drift[] {
  const drifts: Drift[] = [];
  for (const what of ["shape", "ordered", "logs", "retentionMs"] as const) {
    if (wanted[what] === found[what]) continue;
    const name = what === "logs" ? "shards" : what;
    drifts.push({
      channel: wanted.name,
      what: name,
      declared: String(wanted[what]),
      found: String(found[what]),
    });
  }
  return drifts;
}
