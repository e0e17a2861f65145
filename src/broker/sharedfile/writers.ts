import { stat, unlink } from "node:fs/promises";

import type { Env } from "../../base/env.ts";
import { channels } from "../../base/diagnostics.ts";
import type { SharedFileAddress } from "./address.ts";
import type { ChannelFolder } from "./channel-folder.ts";
import type { Claimant } from "./claimant.ts";
import { LogWriter } from "./log-writer.ts";
import { unless } from "./place.ts";
import { neededFrom, PlaceFile } from "./place-file.ts";
import type { Segment } from "./segments.ts";

export interface WritersTerms {
  readonly address: SharedFileAddress;
  readonly claimant: Claimant;
  readonly waitMs: number;
  readonly env: Env;
}

/** The writers of the logs that this process is writing to; who has nothing to write any more is forgotten. */
export class Writers {
  readonly #terms: WritersTerms;
  readonly #writers = new Map<string, LogWriter>();

  constructor(terms: WritersTerms) {
    this.#terms = terms;
  }

  of(folder: ChannelFolder, log: number): LogWriter {
    const path = folder.log(log);
    let writer = this.#writers.get(path);
    if (writer === undefined) {
      if (this.#writers.size >= writersMax) this.#forget();
      this.#writers.set(path, (writer = this.#made(folder, log)));
    }
    return writer;
  }

  /** Resolves when all that was to be written is. */
  async idle(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((each) => each.idle()));
  }

  #forget(): void {
    for (const [path, writer] of this.#writers) if (writer.isIdle) this.#writers.delete(path);
  }

  #made(folder: ChannelFolder, log: number): LogWriter {
    const { address, claimant, waitMs, env } = this.#terms;
    const { segmentBytes, logBytes, synced } = address;
    return new LogWriter({
      log: folder.log(log),
      lock: folder.lock(log),
      ...{ claimant, segmentBytes, logBytes, synced, waitMs, env },
      begin: () => folder.begin(log),
      retire: (segments) => this.#retire(folder, log, segments),
      torn: (path) => {
        const reason = `the writer of the last line of ${path} died in it: it was marked, and is passed over`;
        channels.broker.publish({ address: address.text, state: "connected", reason });
      },
    });
  }

  /**
   * Removes what nobody needs: what all groups have done and is as old as `keep` says, or, where the channel says how long its messages are kept, what is older than
   * that. The last segment stays.
   */
  async #retire(
    folder: ChannelFolder,
    log: number,
    segments: readonly Segment[],
  ): Promise<readonly Segment[]> {
    const { address, env } = this.#terms;
    const { retentionMs } = folder.layout;
    let needed = Infinity;
    for (const places of await folder.places()) {
      const kept = await PlaceFile.read(places, log);
      needed = Math.min(needed, kept === undefined ? 0 : neededFrom(kept.place));
    }
    let left = 0;
    for (; left < segments.length - 1; left++) {
      const { path } = segments[left]!;
      const ageMs = env.wall() - (await stat(path)).mtimeMs;
      const done = segments[left + 1]!.start <= needed && ageMs >= address.keepMs;
      if (retentionMs === null ? !done : ageMs < retentionMs) break;
      await unlink(path).catch(unless("ENOENT"));
    }
    return segments.slice(left);
  }
}

/** Logs that are remembered though nothing is written to them. */
const writersMax = 1_000;
