import { equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { systemError } from "./error.ts";
import { patiently } from "./patiently.ts";
import { VirtualEnv } from "./virtual-env.ts";

test("what is unavailable for now is done again until it is there, or its time is over", async () => {
  const env = new VirtualEnv();
  const away = systemError("UNAVAILABLE", "it is coming up", { executed: "no" });
  const from = env.now() + 3_000;
  const there = (): Promise<string> =>
    env.now() >= from ? Promise.resolve("there") : Promise.reject(away);
  equal(await patiently(env, 10_000, there), "there");
  await rejects(
    patiently(env, 2_000, () => Promise.reject(away)),
    away,
  );
});

test("what may have run, and what no patience mends, is told at once", async () => {
  const env = new VirtualEnv();
  for (const [code, executed] of [
    ["UNAVAILABLE", "maybe"],
    ["UNAUTHENTICATED", "no"],
  ] as const) {
    let tries = 0;
    const failure = systemError(code, "no", { executed });
    const work = (): Promise<never> => {
      tries++;
      return Promise.reject(failure);
    };
    await rejects(patiently(env, 10_000, work), failure);
    equal(tries, 1);
  }
});
