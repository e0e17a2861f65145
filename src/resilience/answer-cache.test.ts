import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemError } from "../base/error.ts";
import { AnswerCache } from "./answer-cache.ts";

/** A load that ends when the test says so, and counts how often it began. */
function loading<V>() {
  const begun: { signal: AbortSignal; end: PromiseWithResolvers<V> }[] = [];
  const load = (signal: AbortSignal): Promise<V> => {
    const end = Promise.withResolvers<V>();
    begun.push({ signal, end });
    return end.promise;
  };
  return { begun, load };
}

const at = (instant: number) => () => instant;

describe("answer cache", () => {
  test("an answer is given again until its time is over", async () => {
    const cache = new AnswerCache<number>({ ttlMs: 100 });
    let loads = 0;
    const load = async (): Promise<number> => ++loads;
    assert.equal(await cache.get("a", load, at(0)), 1);
    assert.equal(await cache.get("a", load, at(99)), 1);
    assert.equal(await cache.get("a", load, at(100)), 2);
  });

  test("of many who ask together one loads, also where nothing is kept", async () => {
    const cache = new AnswerCache<string>({ ttlMs: 0 });
    const { begun, load } = loading<string>();
    const all = Array.from({ length: 50 }, () => cache.get("a", load, at(0)));
    assert.equal(begun.length, 1);
    begun[0]!.end.resolve("x");
    assert.deepEqual(new Set(await Promise.all(all)), new Set(["x"]));
    assert.equal(cache.size, 0);
  });

  test("who gives up is let go at once, and the load goes on for the others", async () => {
    const cache = new AnswerCache<string>();
    const { begun, load } = loading<string>();
    const first = new AbortController();
    const leader = cache.get("a", load, at(0), first.signal);
    const follower = cache.get("a", load, at(0));
    first.abort(new Error("no more"));
    await assert.rejects(leader, /no more/);
    assert.equal(begun[0]!.signal.aborted, false);
    begun[0]!.end.resolve("x");
    assert.equal(await follower, "x");
  });

  test("a follower who gives up takes nothing from the one who loads", async () => {
    const cache = new AnswerCache<string>();
    const { begun, load } = loading<string>();
    const leader = cache.get("a", load, at(0));
    const second = new AbortController();
    const follower = cache.get("a", load, at(0), second.signal);
    second.abort(new Error("no more"));
    await assert.rejects(follower, /no more/);
    begun[0]!.end.resolve("x");
    assert.equal(await leader, "x");
  });

  test("when nobody waits any more the load is cancelled, and the next one loads anew", async () => {
    const cache = new AnswerCache<string>();
    const { begun, load } = loading<string>();
    const stop = new AbortController();
    const all = [1, 2].map(() => cache.get("a", load, at(0), stop.signal));
    stop.abort(new Error("no more"));
    for (const each of all) await assert.rejects(each, /no more/);
    assert.equal(begun[0]!.signal.aborted, true);
    const next = cache.get("a", load, at(0));
    begun[1]!.end.resolve("y");
    assert.equal(await next, "y");
  });

  test("a failure is told to all who wait, and is not remembered", async () => {
    const cache = new AnswerCache<string>();
    const { begun, load } = loading<string>();
    const all = [1, 2].map(() => cache.get("a", load, at(0)));
    begun[0]!.end.reject(new Error("broken"));
    for (const each of all) await assert.rejects(each, /broken/);
    const next = cache.get("a", load, at(0));
    begun[1]!.end.resolve("y");
    assert.equal(await next, "y");
  });

  test("when the time of the one who loads is over, one of the others loads again", async () => {
    const cache = new AnswerCache<string>();
    const { begun, load } = loading<string>();
    const leader = cache.get("a", load, at(0));
    const followers = [1, 2].map(() => cache.get("a", load, at(0)));
    begun[0]!.end.reject(systemError("DEADLINE_EXCEEDED", "too late", { executed: "maybe" }));
    await assert.rejects(leader, /too late/);
    assert.equal(begun.length, 2);
    begun[1]!.end.resolve("y");
    assert.deepEqual(await Promise.all(followers), ["y", "y"]);
  });

  test("a load that throws before it has begun leaves nothing behind", async () => {
    const cache = new AnswerCache<string>();
    const broken = (): never => {
      throw new Error("at once");
    };
    await assert.rejects(cache.get("a", broken, at(0)), /at once/);
    assert.equal(await cache.get("a", async () => "y", at(0)), "y");
  });

  test("an old answer is still better than an error, for its time", async () => {
    const cache = new AnswerCache<string>({ ttlMs: 100, staleMs: 1_000 });
    cache.set("a", "x", 0);
    assert.deepEqual(cache.fresh("a", 100), undefined);
    assert.equal(cache.stale("a", 1_099)?.value, "x");
    assert.equal(cache.stale("a", 1_100), undefined);
    assert.equal(cache.size, 0);
  });

  test("it keeps so many answers, and forgets the one not asked for the longest", () => {
    const cache = new AnswerCache<number>({ entriesMax: 3 });
    for (const [value, key] of ["a", "b", "c"].entries()) cache.set(key, value, 0);
    cache.fresh("a", 1);
    cache.set("d", 3, 2);
    assert.equal(cache.size, 3);
    assert.deepEqual(
      ["a", "b", "c", "d"].map((key) => cache.fresh(key, 3)?.value),
      [0, undefined, 2, 3],
    );
  });
});
