import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { between, seededRandom } from "../../base/random.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { RecentlyPublished } from "./recently-published.ts";
import type { Remembered } from "./storage.ts";

/** Keeps marks as a storage does. */
class Marks {
  readonly batch = 1;
  #kept: Remembered[] = [];

  get found(): { definitions: []; lanes: []; remembered: readonly Remembered[] } {
    return { definitions: [], lanes: [], remembered: this.#kept };
  }

  remember(at: number, marks: readonly number[], forgetBefore: number): void {
    this.#kept.push({ at, marks: Uint32Array.from(marks) });
    while (this.#kept[0]!.at < forgetBefore) this.#kept.shift();
  }

  get count(): number {
    return this.#kept.length;
  }
}

suite("what was published lately", () => {
  test("is known as long as the window, and not after it", async () => {
    const env = new VirtualEnv();
    const subject = new RecentlyPublished(new Marks(), env, { windowMs: 1_000 });
    assert.equal(subject.has("a"), false);
    subject.add("a", true);
    await sleep(env, 500);
    subject.add("b", true);
    assert.equal(subject.has("a"), true);
    assert.equal(subject.has("a", 400), false);
    await sleep(env, 600);
    assert.equal(subject.has("a"), false);
    assert.equal(subject.has("b"), true);
    subject.add("c", true);
    assert.equal(subject.size, 2);
  });

  test("is known after a restart, as far as it was written", async () => {
    const env = new VirtualEnv();
    const marks = new Marks();
    const first = new RecentlyPublished(marks, env, { windowMs: 1_000 });
    for (let index = 0; index < 5_000; index++) first.add(`id-${index}`, true);
    await sleep(env, 500);
    first.add("late", true);
    const second = new RecentlyPublished(marks, env, { windowMs: 1_000 });
    for (let index = 0; index < 5_000; index++) assert.ok(second.has(`id-${index}`));
    assert.equal(second.has("id-5000"), false);
    await sleep(env, 600);
    const third = new RecentlyPublished(marks, env, { windowMs: 1_000 });
    assert.equal(third.size, 1);
    assert.equal(third.has("late"), true);
  });

  test("is not known after a restart when what was published is not there either", () => {
    const env = new VirtualEnv();
    const marks = new Marks();
    const first = new RecentlyPublished(marks, env);
    first.add("fleeting", false);
    assert.equal(first.has("fleeting"), true);
    assert.equal(new RecentlyPublished(marks, env).has("fleeting"), false);
  });

  test("is the newest when there is too much of it, also on disk", () => {
    const marks = new Marks();
    const env = new VirtualEnv();
    const subject = new RecentlyPublished(marks, env, { most: 3_000 });
    for (let index = 0; index < 10_000; index++) {
      subject.add(`id-${index}`, true);
      env.stall(1);
    }
    assert.equal(subject.size, 3_000);
    assert.ok(marks.count <= 3_001);
    assert.equal(subject.has("id-6999"), false);
    for (let index = 7_000; index < 10_000; index++) assert.ok(subject.has(`id-${index}`));
  });

  test("agrees with a plain table, whatever comes when", () => {
    const seed = 21;
    const random = seededRandom(seed);
    const env = new VirtualEnv();
    const windowMs = 2_000;
    const subject = new RecentlyPublished(new Marks(), env, { windowMs });
    const plain = new Map<string, number>();
    for (let step = 0; step < 50_000; step++) {
      if (random() < 0.2) env.stall(between(random, 0, 5));
      const identity = `${between(random, 0, 5_000)}`;
      const known = env.wall() - (plain.get(identity) ?? -Infinity) < windowMs;
      assert.equal(subject.has(identity), known, `seed ${seed}, step ${step}`);
      if (known) continue;
      subject.add(identity, true);
      plain.set(identity, env.wall());
    }
  });

  test("is not mixed up with others, however alike they look", () => {
    const subject = new RecentlyPublished(new Marks(), new VirtualEnv());
    const id = (index: number) => `orders\u0000${index.toString(16).padStart(12, "0")}\u0000`;
    for (let index = 0; index < 200_000; index += 2) subject.add(id(index), true);
    for (let index = 0; index < 200_000; index++)
      assert.equal(subject.has(id(index)), index % 2 === 0);
  });
});
