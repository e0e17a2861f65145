import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { watchByRounds, type Follow, type Round } from "./rounds.ts";
import { instance } from "./suite/stage.ts";

/** Waits until the round is over. */
function over(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

function watch(env: Env, follow: Follow): ReturnType<typeof watchByRounds> {
  const terms = { registry: "test", service: "orders", onChange: () => {}, env };
  return watchByRounds(terms, follow, () => {});
}

/** When each of many watches asks again after all have lost the registry, or were ended by it, in the same instant. */
async function comingBack(watches: number, instances: number, fails: boolean): Promise<number[]> {
  const env = new VirtualEnv(7);
  const known = Array.from({ length: instances }, (_, index) => instance(`i-${index}`));
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  const back: number[] = [];
  let lostAt = 0;
  const open = Array.from({ length: watches }, () => {
    let rounds = 0;
    return watch(env, async ({ tell, signal }) => {
      if (++rounds === 2) back.push(env.now() - lostAt);
      tell(known);
      if (rounds > 1) return over(signal);
      await lost;
      if (fails) throw new Error("the registry is gone");
    });
  });
  await sleep(env, 1_000);
  lostAt = env.now();
  lose();
  await sleep(env, 20_000);
  equal(back.length, watches);
  await Promise.all(open.map((each) => each.close()));
  equal(env.alarms, 0);
  return back;
}

for (const [what, fails] of [
  ["lost", true],
  ["ended", false],
] as const) {
  test(`those whose watch was ${what} in one instant come back spread over a time that grows with their number`, async () => {
    for (const [instances, spreadMs] of [
      [1, 500],
      [100, 2_000],
      [2_000, 10_000],
    ] as const) {
      const back = await comingBack(200, instances, fails);
      ok(Math.max(...back) <= spreadMs + 8, `within ${spreadMs} ms`);
      const tenths = Array.from({ length: 10 }, () => 0);
      for (const each of back) tenths[Math.min(9, Math.floor((each * 10) / spreadMs))]!++;
      ok(Math.max(...tenths) <= 45, `of 200 in tenths of ${spreadMs} ms: ${tenths.join()}`);
    }
  });
}

test("a registry that stays away is asked less and less, and at least every 30 seconds", async () => {
  const env = new VirtualEnv();
  const at: number[] = [];
  const feed = watch(env, async () => {
    at.push(env.now());
    throw new Error("nobody there");
  });
  await sleep(env, 600_000);
  await feed.close();
  const waits = at.slice(1).map((each, index) => each - at[index]!);
  ok(Math.max(...waits) <= 30_008, `the longest wait was ${Math.max(...waits)} ms`);
  ok(Math.min(...waits.slice(8)) >= 15_000, `late waits were ${waits.slice(8).join()}`);
  ok(waits.length < 60, `${waits.length} questions in ten minutes`);
  equal(feed.current?.problem, "nobody there");
});

test("after it has answered the waits begin anew", async () => {
  const env = new VirtualEnv();
  const at: number[] = [];
  let down = true;
  const feed = watch(env, async ({ tell }) => {
    at.push(env.now());
    if (!down) tell([]);
    throw new Error("nobody there");
  });
  await sleep(env, 120_000);
  down = false;
  await sleep(env, 60_000);
  const begun = at.length;
  await sleep(env, 10_000);
  ok(at.length - begun > 10, "each first wait is at most half a second");
  await feed.close();
});

test("a registry that ends every watch at once is not asked more often than each 50 ms, and is not unavailable", async () => {
  const env = new VirtualEnv();
  const at: number[] = [];
  const known = [instance("a")];
  const feed = watch(env, async ({ tell }) => {
    at.push(env.now());
    tell(known);
  });
  await sleep(env, 10_000);
  const waits = at.slice(1).map((each, index) => each - at[index]!);
  ok(Math.min(...waits) >= 50, `the shortest wait was ${Math.min(...waits)} ms`);
  deepEqual([feed.current?.status, feed.current?.revision], ["ok", 1]);
  await feed.close();
});

test("who asks anew while it follows is told anew at once; while it is still asking, right after that", async () => {
  const env = new VirtualEnv();
  const rounds: Round[] = [];
  const answers: (() => void)[] = [];
  const feed = watch(env, async (round) => {
    rounds.push(round);
    await new Promise<void>((resolve) => answers.push(resolve));
    round.tell([instance(`i-${rounds.length}`)]);
    await over(round.signal);
  });
  feed.refresh();
  feed.refresh();
  await sleep(env, 1_000);
  equal(rounds.length, 1, "a question that is under way is not given up");
  answers[0]!();
  await sleep(env, 100);
  equal(feed.current?.instances[0]?.id, "i-1", "its answer is told");
  equal(rounds.length, 2, "and once more, because it may be older");
  answers[1]!();
  await sleep(env, 100);
  equal(rounds.length, 2);
  feed.refresh();
  await sleep(env, 100);
  equal(rounds.length, 3);
  answers[2]!();
  await sleep(env, 1);
  equal(feed.current?.status, "ok");
  await feed.close();
  equal(env.alarms, 0);
});

test("who asks anew does not wait for the next try", async () => {
  const env = new VirtualEnv();
  let down = true;
  const feed = watch(env, async ({ tell, signal }) => {
    if (down) throw new Error("nobody there");
    tell([]);
    await over(signal);
  });
  await sleep(env, 300_000);
  down = false;
  const from = env.now();
  feed.refresh();
  while (feed.current?.status !== "ok") await sleep(env, 4);
  ok(env.now() - from < 100);
  await feed.close();
});
