import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Lease, OutboxRow } from "../../store/outbox-rows.ts";
import { Tracks } from "./tracks.ts";

const leases: readonly Lease[] = [0, 1, 2, 3].map((share) => ({ share, token: 1 }));
const shares = (free: readonly Lease[]): number[] => free.map(({ share }) => share);
const rowOf = (lane: number): OutboxRow => ({ lane }) as OutboxRow;

test("nothing is read of lanes whose track publishes, nor given back of them, until that is over", async () => {
  const env = new VirtualEnv();
  let ended = 0;
  const tracks = new Tracks(2, () => ended++, env);
  const publishing = Promise.withResolvers<boolean>();
  tracks.begin([rowOf(1)], leases, false, () => publishing.promise);
  deepEqual(shares(tracks.free(leases)), [0, 2]);
  deepEqual([tracks.holds(1), tracks.holds(0), tracks.busy.length], [true, false, 1]);
  publishing.resolve(true);
  await sleep(env, 1);
  deepEqual(shares(tracks.free(leases)), [0, 1, 2, 3]);
  deepEqual([tracks.holds(1), tracks.failing, ended], [false, false, 1]);
});

test("a track that has failed waits before it begins again, and the others go on", async () => {
  const env = new VirtualEnv();
  const tracks = new Tracks(2, () => {}, env);
  tracks.begin([rowOf(1)], leases, false, async () => false);
  await sleep(env, 1);
  const { soonestMs } = tracks;
  deepEqual([shares(tracks.free(leases)), tracks.failing], [[0, 2], true]);
  await sleep(env, soonestMs + 2);
  deepEqual(shares(tracks.free(leases)), [0, 1, 2, 3]);
});
