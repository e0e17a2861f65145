import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";

import { systemError } from "../../base/error.ts";
import { beginTrace } from "../../base/trace.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { Attempt } from "../../protocol/attempt.ts";
import { Collapsing } from "./collapse.ts";
import { applyRules } from "./header-rules.ts";
import { Mirror } from "./mirror.ts";
import { shareAt, shareOf } from "./split.ts";

const ninety = [
  { id: "unix:./stable", weight: 90 },
  { id: "unix:./canary", weight: 10 },
];

test("a key keeps its share, and shares get what their weights say", () => {
  const counts: Record<string, number> = {};
  for (let user = 0; user < 20_000; user++) {
    const share = shareOf(ninety, `user-${user}`)!;
    equal(shareOf(ninety, `user-${user}`), share);
    counts[share.id] = (counts[share.id] ?? 0) + 1;
  }
  const part = counts["unix:./canary"]! / 20_000;
  ok(part > 0.09 && part < 0.11, `${part} instead of 0.1`);
});

test("when a weight grows, keys only move to that share, and no more than must", () => {
  const more = [ninety[0]!, { id: "unix:./canary", weight: 30 }];
  let moved = 0;
  for (let user = 0; user < 20_000; user++) {
    const before = shareOf(ninety, `user-${user}`)!.id;
    const after = shareOf(more, `user-${user}`)!.id;
    if (before === after) continue;
    equal(after, "unix:./canary");
    moved++;
  }
  // From 10 of 100 to 30 of 120: 15 % must move.
  ok(moved / 20_000 > 0.13 && moved / 20_000 < 0.17, `${moved / 20_000} moved`);
});

test("a share without weight gets nothing, with a key and without", () => {
  const shares = [
    { id: "a", weight: 1 },
    { id: "b", weight: 0 },
  ];
  for (let at = 0; at < 100; at++) {
    equal(shareOf(shares, String(at))!.id, "a");
    equal(shareAt(shares, at / 100)!.id, "a");
  }
  equal(shareOf([{ id: "b", weight: 0 }], "x"), undefined);
});

function attempt(env: VirtualEnv, deadlineMs: number = 1_000): Attempt {
  const deadlineAt = env.now() + deadlineMs;
  return new Attempt(deadlineAt, Infinity, beginTrace(env), undefined, undefined);
}

test("all who ask the same at the same time get the answer of one call", async () => {
  const env = new VirtualEnv();
  const collapsing = new Collapsing(env);
  const { promise, resolve } = Promise.withResolvers<string>();
  let sent = 0;
  const send = (): Promise<string> => {
    sent++;
    return promise;
  };
  const asked = Array.from({ length: 5 }, () => collapsing.run("q", attempt(env), send));
  const other = collapsing.run("other", attempt(env), async () => "else");
  resolve("answer");
  deepEqual(
    await Promise.all(asked),
    Array.from({ length: 5 }, () => "answer"),
  );
  equal(await other, "else");
  deepEqual([sent, collapsing.joined], [1, 4]);
  await collapsing.run("q", attempt(env), send);
  equal(sent, 2);
});

test("who joined gives up, or is late, without harm to the others", async () => {
  const env = new VirtualEnv();
  const collapsing = new Collapsing(env);
  const { promise, resolve } = Promise.withResolvers<string>();
  const send = (): Promise<string> => promise;
  const first = collapsing.run("q", attempt(env), send);
  const leaving = attempt(env);
  const left = collapsing.run("q", leaving, send);
  const late = collapsing.run("q", attempt(env, 10), send);
  const expected = [rejects(left, /CANCELLED/), rejects(late, /DEADLINE_EXCEEDED/)];
  leaving.cancel("caller");
  await Promise.all(expected); // time goes on to the deadline by itself
  resolve("answer");
  equal(await first, "answer");
  equal(env.alarms, 0);
});

test("when the sender gives up, another one is sent for those who still wait", async () => {
  const env = new VirtualEnv();
  const collapsing = new Collapsing(env);
  const { promise, reject } = Promise.withResolvers<string>();
  const first = collapsing.run("q", attempt(env), () => promise);
  let sent = 0;
  const again = async (): Promise<string> => {
    sent++;
    return "again";
  };
  const others = [1, 2, 3].map(() => collapsing.run("q", attempt(env), again));
  const failed = rejects(first, /CANCELLED/);
  reject(systemError("CANCELLED", "gone", { executed: "maybe" }));
  await failed;
  deepEqual(await Promise.all(others), ["again", "again", "again"]);
  equal(sent, 1);
});

test("a failure of what was asked is everybody's", async () => {
  const env = new VirtualEnv();
  const collapsing = new Collapsing(env);
  const send = async (): Promise<never> => {
    throw systemError("UNAVAILABLE", "down", { executed: "no" });
  };
  const asked = [1, 2].map(() => rejects(collapsing.run("q", attempt(env), send), /UNAVAILABLE/));
  await Promise.all(asked);
});

test("past its bounds each goes alone", async () => {
  const env = new VirtualEnv();
  const collapsing = new Collapsing(env, 1, 1);
  let sent = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const send = (): Promise<void> => {
    sent++;
    return promise;
  };
  const asked = ["a", "a", "a", "b", "b"].map((key) => collapsing.run(key, attempt(env), send));
  equal(sent, 4);
  resolve();
  await Promise.all(asked);
});

test("copies stop at their bounds, and their failures count only here", async () => {
  const env = new VirtualEnv();
  const mirror = new Mirror({ share: 1, outstandingMax: 2, perSecond: 3, busyAt: 10 }, env);
  const { promise, reject } = Promise.withResolvers<void>();
  const send = (): Promise<void> => promise;
  for (let copy = 0; copy < 4; copy++) mirror.copy(1, send);
  deepEqual(mirror.stats, { sent: 2, dropped: 2, failed: 0 });
  reject(new Error("down"));
  await promise.catch(() => {});
  await new Promise((turn) => setImmediate(turn));
  mirror.copy(1, async () => {});
  mirror.copy(1, async () => {});
  deepEqual(mirror.stats, { sent: 3, dropped: 3, failed: 2 }, "three in a second");
  env.stall(1_000);
  mirror.copy(11, async () => {});
  deepEqual(mirror.stats, { sent: 3, dropped: 4, failed: 2 }, "the gateway is busy");
});

test("header rules remove, then set, then add where nothing is", () => {
  const headers: Record<string, string> = { a: "1", b: "2", c: "3" };
  applyRules({ remove: ["a", "b"], set: { c: "9" }, add: { b: "new", c: "no" } }, headers);
  deepEqual(headers, { b: "new", c: "9" });
});
