import assert from "node:assert/strict";
import { test } from "node:test";

import { between, seededRandom } from "../../../base/random.ts";
import { type Hearing, NodeBench, textOf } from "../testing/bench.ts";

/** What of a log is to be there when its process has died: all that was safe, and of the rest a beginning. */
class Lives {
  readonly #bench: NodeBench;
  /** Is there. */
  #kept: string[] = [];
  /** Was published since the last death, with the batch of each. */
  #fresh: { readonly text: string; readonly batch: number }[] = [];
  #names = 0;
  #watcher: Hearing;
  /** What has ever been handed out under an offset. */
  readonly #seen = new Map<number, string>();

  constructor(bench: NodeBench) {
    this.#bench = bench;
    this.#watcher = this.#read();
  }

  #read(): Hearing {
    return this.#bench.consume("log", { from: "first", noAck: true }, Infinity);
  }

  publish(): void {
    const text = `${this.#names++}`;
    const { batch } = this.#bench.host.publishTo("log", this.#bench.message(text));
    this.#fresh.push({ text, batch });
  }

  /** An offset means the same message, whoever asks when. */
  #look(seed: string): void {
    for (const { seq, message } of this.#watcher.handed) {
      const text = textOf(message);
      assert.equal(this.#seen.get(seq) ?? text, text, `${seed}: offset ${seq}`);
      this.#seen.set(seq, text);
    }
  }

  async crash(power: boolean, most: number, seed: string): Promise<void> {
    const { safe } = this.#bench.storage;
    const confirmed = this.#fresh.filter(({ batch }) => batch <= safe).length;
    this.#look(seed);
    this.#bench.restart({ power });
    const reader = (this.#watcher = this.#read());
    await this.#bench.after();
    this.#look(seed);
    const all = [...this.#kept, ...this.#fresh.map(({ text }) => text)];
    const end = reader.texts.length === 0 ? 0 : all.indexOf(reader.texts.at(-1)!) + 1;
    assert.ok(end >= this.#kept.length + confirmed, `${seed}: ${end} of ${confirmed} more`);
    const begin = Math.max(0, end - most);
    assert.deepEqual(reader.texts, all.slice(begin, end), seed);
    const offsets = reader.handed.map(({ seq }) => seq);
    assert.deepEqual(
      offsets,
      offsets.map((_, index) => offsets[0]! + index),
      seed,
    );
    this.#kept = all.slice(0, end);
    this.#fresh = [];
  }
}

for (const [name, lengthMax] of [
  ["all of it", undefined],
  ["its end", 50],
] as const)
  test(`a log that keeps ${name} has all that was safe, in order, whenever its process dies`, async () => {
    for (let run = 1; run <= 20; run++) {
      const seed = `run ${run}`;
      const random = seededRandom(run, name);
      const bench = new NodeBench({}, 5);
      bench.queue("log", { kind: "log", lengthMax });
      await bench.after();
      const lives = new Lives(bench);
      for (let step = 0; step < 120; step++) {
        for (let more = between(random, 0, 8); more > 0; more--) lives.publish();
        if (random() < 0.5) await bench.after(between(random, 1, 10));
        if (random() < 0.1) await lives.crash(random() < 0.5, lengthMax ?? Infinity, seed);
      }
    }
  });
