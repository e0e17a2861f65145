import { backoff, type BackoffOptions } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { shareOf, type Lease, type OutboxRow } from "../../store/outbox-rows.ts";

/** Between tries after the broker or the database could not be reached, in milliseconds. */
export const pauses: BackoffOptions = { baseMs: 50, capMs: 5_000 };

/** Publishes rows that were read under these leases; false: nothing of it has succeeded. */
export type Publishing = (rows: readonly OutboxRow[], leases: readonly Lease[]) => Promise<boolean>;

/** One of several that publish at once, each for lanes of its own: shares by their remainder. */
interface Track {
  busy: Promise<void> | undefined;
  failures: number;
  /** After a failure it does not begin before. */
  dueAt: number;
}

/** What of a relay is under way, so much at once: nothing of a lane is read while something of it is published, so that its order is kept. */
export class Tracks {
  readonly #tracks: readonly Track[];
  /** Shares of which something is being published: they are not given back before that is over. */
  readonly #underWay = new Set<number>();
  readonly #ended: () => void;
  readonly #env: Env;

  /** `ended`: one is free again. */
  constructor(count: number, ended: () => void, env: Env) {
    this.#tracks = Array.from({ length: count }, () => ({
      busy: undefined,
      failures: 0,
      dueAt: -Infinity,
    }));
    this.#ended = ended;
    this.#env = env;
  }

  /** Whether the last try of some of them has failed. */
  get failing(): boolean {
    return this.#tracks.some(({ failures }) => failures > 0);
  }

  /** What is under way. */
  get busy(): readonly Promise<void>[] {
    return this.#tracks.flatMap(({ busy }) => busy ?? []);
  }

  /** How long until one of those that wait may begin again, in milliseconds; Infinity: none waits. */
  get soonestMs(): number {
    const now = this.#env.now();
    return Math.min(
      Infinity,
      ...this.#tracks.map(({ dueAt }) => dueAt - now).filter((ms) => ms > 0),
    );
  }

  holds(share: number): boolean {
    return this.#underWay.has(share);
  }

  /** Those of which something may be read now. */
  free(leases: readonly Lease[]): Lease[] {
    const now = this.#env.now();
    return leases.filter(({ share }) => {
      const { busy, dueAt } = this.#of(share);
      return busy === undefined && dueAt <= now;
    });
  }

  /** Hands rows to their tracks, each with the leases under which they were read. `together`: all in one. */
  begin(
    rows: readonly OutboxRow[],
    leases: readonly Lease[],
    together: boolean,
    publish: Publishing,
  ): void {
    const byTrack = Map.groupBy(rows, ({ lane }) => this.#of(shareOf(lane)));
    if (together) return this.#occupy([...byTrack.keys()], rows, leases, publish);
    for (const [track, own] of byTrack) this.#occupy([track], own, leases, publish);
  }

  #of(share: number): Track {
    return this.#tracks[share % this.#tracks.length]!;
  }

  #occupy(
    tracks: readonly Track[],
    rows: readonly OutboxRow[],
    leases: readonly Lease[],
    publish: Publishing,
  ): void {
    const shares = new Set(rows.map(({ lane }) => shareOf(lane)));
    const under = leases.filter(({ share }) => shares.has(share));
    for (const share of shares) this.#underWay.add(share);
    const busy = this.#run(tracks, publish(rows, under)).finally(() => {
      for (const track of tracks) track.busy = undefined;
      for (const share of shares) this.#underWay.delete(share);
      this.#ended();
    });
    for (const track of tracks) track.busy = busy;
  }

  async #run(tracks: readonly Track[], publishing: Promise<boolean>): Promise<void> {
    const succeeded = await publishing;
    for (const track of tracks) {
      if (succeeded) track.failures = 0;
      // A pass without any progress is followed by a pause, whatever was wrong (OB-7).
      else
        track.dueAt = this.#env.now() + backoff(track.failures++, pauses, () => this.#env.random());
    }
  }
}
