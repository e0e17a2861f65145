import { deepEqual } from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../../../base/random.ts";
import { realEnv } from "../../../base/real-env.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { bytesOf } from "../message.ts";
import type { Due, Row, Storage } from "../storage.ts";
import { ModelStorage } from "../testing/model-storage.ts";
import { openSqliteStorage } from "./open.ts";
import { tryMessage, tryRow } from "./suite/stand.ts";
import { verify } from "./tools/verify.ts";

const lanes = 4;
const rounds = 25;
const actsOfRound = 60;
/** The lane in which only the newest of each key stays. */
const compactLane = 3;

interface Noted {
  readonly row: Row;
  readonly places: readonly (readonly [batch: number, place: number])[];
}

/** Notes the same in several storages, at random, as an engine would: never what is gone, and with its place where it was just noted. */
class Player {
  storages: readonly Storage[];
  readonly #random: () => number;
  readonly #next = new Map<number, number>();
  readonly #there = new Map<number, Map<number, Noted>>();

  constructor(storages: readonly Storage[], random: () => number) {
    this.storages = storages;
    this.#random = random;
    this.#each((storage) => storage.compact(compactLane));
  }

  act(): void {
    const lane = this.#below(lanes);
    const die = this.#random();
    if (die < 0.5) this.#insert(lane, 1 + this.#below(4));
    else if (die < 0.52) this.#insert(lane, 500 + this.#below(1_500));
    else if (die < 0.85) for (let i = this.#below(6); i > 0; i--) this.#remove(lane);
    else if (die < 0.93) this.#revise(lane);
    else if (die < 0.95) this.#trim(lane);
    else if (die < 0.98) this.#purge(lane);
    else if (die < 0.99) this.#drop(lane);
    else this.#each((storage) => storage.delivered(lane, this.#next.get(lane) ?? 1));
  }

  #insert(lane: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const seq = this.#next.get(lane) ?? 1;
      this.#next.set(lane, seq + 1);
      const key = lane === compactLane ? `${this.#below(50)}` : undefined;
      const large = this.#random() < 0.002;
      const message = tryMessage(large ? "x".repeat(300_000) : `${seq}`, { key });
      const held = this.#random() < 0.1;
      const dueAt = held || this.#random() < 0.1 ? this.#below(1_000) : undefined;
      const row = tryRow(lane, seq, { message, held, dueAt, transient: this.#random() < 0.02 });
      for (const [at, { row: older }] of this.#of(lane))
        if (key !== undefined && older.message.key === key) this.#of(lane).delete(at);
      const places = this.storages.map((storage) => {
        return [storage.batch, storage.insert(row)] as const;
      });
      this.#of(lane).set(seq, { row, places });
    }
  }

  #remove(lane: number): void {
    const [noted] = this.#of(lane).values();
    const chosen = this.#random() < 0.8 ? noted : this.#some(lane);
    if (chosen === undefined) return;
    const { row, places } = chosen;
    this.#of(lane).delete(row.seq);
    for (const [i, storage] of this.storages.entries()) {
      const [batch = 0, place = 0] = places[i] ?? [];
      storage.remove(lane, row.seq, bytesOf(row.message), batch, place);
    }
  }

  #revise(lane: number): void {
    const chosen = this.#some(lane);
    if (chosen === undefined) return;
    const held = this.#random() < 0.5;
    const revision = {
      attempts: this.#below(5),
      held,
      dueAt: held ? this.#below(1_000) : undefined,
    };
    const { row, places } = chosen;
    this.#of(lane).set(row.seq, { row: { ...row, ...revision }, places });
    this.#each((storage) => storage.revise(lane, row.seq, revision));
  }

  #trim(lane: number): void {
    const upTo = this.#someSeq(lane);
    this.#each((storage) => storage.trim(lane, upTo));
    for (const [seq] of this.#of(lane)) if (seq < upTo) this.#of(lane).delete(seq);
  }

  #purge(lane: number): void {
    const from = this.#random() < 0.5 ? 0 : this.#someSeq(lane);
    const held = this.#random() < 0.5;
    this.#each((storage) => storage.purge(lane, from, held));
    for (const [seq, { row }] of this.#of(lane))
      if (seq >= from && (held || !row.held)) this.#of(lane).delete(seq);
  }

  #drop(lane: number): void {
    this.#each((storage) => storage.drop(lane));
    if (lane === compactLane) this.#each((storage) => storage.compact(lane));
    this.#of(lane).clear();
    this.#next.delete(lane);
  }

  #each(note: (storage: Storage) => void): void {
    for (const storage of this.storages) note(storage);
  }

  #of(lane: number): Map<number, Noted> {
    const there = this.#there.get(lane) ?? new Map<number, Noted>();
    this.#there.set(lane, there);
    return there;
  }

  #some(lane: number): Noted | undefined {
    return [...this.#of(lane).values()][this.#below(this.#of(lane).size)];
  }

  #someSeq(lane: number): number {
    return this.#below(this.#next.get(lane) ?? 1);
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  /** What was transient is gone with its process, and nothing is in an open batch any more. */
  begin(storages: readonly Storage[]): void {
    this.storages = storages;
    for (const there of this.#there.values())
      for (const [seq, { row }] of there)
        if (row.transient) there.delete(seq);
        else there.set(seq, { row, places: [] });
  }
}

/** Everything that can be read, as plain values. */
async function everything(storage: Storage): Promise<unknown> {
  const found: unknown[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const rows = await storage.readAll(lane, 0, 100_000, 1e9);
    found.push(rows.map(({ message, ...row }) => ({ ...row, size: bytesOf(message) })));
    found.push((await storage.read(lane, 0, 100_000, 1e9)).length);
    // Behind the last message it depends on which inserts came to nothing.
    const sought = await storage.seek(lane, 700_500);
    found.push(rows.some(({ seq }) => seq === sought) ? sought : "none");
  }
  const due: Due[] = [];
  for (let page: readonly Due[] = []; ; due.push(...page)) {
    page = await storage.due(due.at(-1), 100);
    if (page.length === 0) break;
  }
  return [...found, due];
}

function foundOf({ found }: Storage): unknown {
  return found.lanes
    .filter(({ count, delivered }) => count > 0 || delivered > 0)
    .map(({ next: _next, first, ...rest }) => ({ ...rest, first: rest.count > 0 ? first : -1 }));
}

void test(
  "whatever is noted, a file has what the model has, at once and after a crash",
  {
    timeout: 300_000,
  },
  async (context) => {
    const seed = Number(process.env["SEED"] ?? Date.now());
    context.diagnostic(`SEED=${seed}`);
    const random = seededRandom(seed, "noting");
    const folder = await mkdtemp(join(tmpdir(), "storage-"));
    context.after(() => rm(folder, { recursive: true }));
    const env = new VirtualEnv(seed);
    let place = join(folder, "0");
    let file = await openSqliteStorage(place, {}, realEnv());
    let model = new ModelStorage(env);
    const player = new Player([file, model], random);
    try {
      for (let round = 1; round <= rounds; round++) {
        for (let i = 0; i < actsOfRound; i++) {
          player.act();
          if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
        }
        deepEqual(await everything(file), await everything(model), `SEED=${seed}, round ${round}`);
        if (random() < 0.7) continue;
        await file.until(file.batch);
        await model.until(model.batch);
        const next = join(folder, `${round}`);
        await cp(place, next, { recursive: true });
        await file.close();
        await rm(place, { recursive: true });
        place = next;
        file = await openSqliteStorage(place, {}, realEnv());
        model = new ModelStorage(env, { image: model.crash() });
        player.begin([file, model]);
        deepEqual(foundOf(file), foundOf(model), `SEED=${seed}, after the crash in round ${round}`);
      }
    } finally {
      await file.close();
      await model.close();
    }
    deepEqual((await verify(place)).problems, []);
  },
);
