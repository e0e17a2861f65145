import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Delivery } from "../../broker/broker.ts";
import type { Attempts, InboxKey, InboxRows } from "../../store/inbox-rows.ts";
import type { Outcome, Received, Work } from "../work.ts";
import { CountedAttempts } from "./attempts.ts";
import { Solitude } from "./solitude.ts";

/** The table of attempts, which outlives processes. */
class Table {
  readonly counts = new Map<string, { started: number; finished: number }>();
  away = false;
  /** The next beginning is counted, and nobody hears of it. */
  mute = false;

  readonly rows = {
    started: async ({ message }: InboxKey): Promise<Attempts> => {
      this.#there();
      const counts = this.counts.get(message) ?? { started: 0, finished: 0 };
      this.counts.set(message, counts);
      counts.started++;
      if (this.mute) {
        this.mute = false;
        throw systemError("UNAVAILABLE", "the connection was lost", { executed: "maybe" });
      }
      return { ...counts };
    },
    finished: async ({ message }: InboxKey, forget: boolean): Promise<void> => {
      this.#there();
      if (forget) this.counts.delete(message);
      else this.counts.get(message)!.finished++;
    },
  } as InboxRows;

  #there(): void {
    if (this.away) throw systemError("UNAVAILABLE", "the table is away", { executed: "no" });
  }
}

function delivered(id: string, attempt: number): Received {
  const envelope = { id, source: "/test" } as Received["envelope"];
  const delivery = { envelope, attempt, redelivered: attempt > 1 } as Delivery;
  const { signal } = new AbortController();
  return { envelope, delivery, group: "g", attempt, signal, heartbeat: () => {} };
}

/** One life of a process. */
class Life {
  readonly env = new VirtualEnv();
  readonly counted: CountedAttempts;

  constructor(table: Table) {
    this.counted = new CountedAttempts({
      rows: table.rows,
      keyOf: ({ id }) => ({ consumer: "c", message: id }),
      solitude: new Solitude(),
      env: this.env,
    });
  }

  /** All at once, until one of them ends the process, or all have ended. Gives what came of each that ended. */
  async handle(messages: readonly Received[], work: Work): Promise<Record<string, Outcome>> {
    const ended: Record<string, Outcome> = {};
    let dead = false;
    const { promise: died, resolve: die } = Promise.withResolvers<void>();
    const all = messages.map(async (each) => {
      const outcome = await this.counted.around(async (received) => {
        if (dead) return new Promise<Outcome>(() => {});
        if (received.envelope.id.startsWith("killer")) {
          dead = true;
          die();
          return new Promise<Outcome>(() => {});
        }
        return work(received);
      })(each);
      if (!dead) ended[each.envelope.id] = outcome;
    });
    await Promise.race([died, Promise.all(all)]);
    return ended;
  }
}

const done: Work = async () => ({ kind: "done" });

test("IN-5: a message that ends its process is dead after the fourth time, without being run again", async () => {
  const table = new Table();
  let lives = 0;
  let last: Outcome | undefined;
  for (; last === undefined && lives < 20; lives++)
    last = (await new Life(table).handle([delivered("killer", lives + 1)], done))["killer"];
  equal(lives, 5);
  equal(last?.kind, "dead");
  equal(last?.kind === "dead" && last.failure.why, "crashed");
  match(last?.kind === "dead" ? last.failure.reason : "", /3 attempts at it have begun and not/);
});

test("IN-5: those beside a message that ends its process are handled, however often they were under way when it did", async () => {
  const table = new Table();
  const innocent = ["a", "b", "c", "d"];
  const handled = new Set<string>();
  const dead: string[] = [];
  for (let life = 1; life <= 20; life++) {
    const left = ["a", "b", "killer", "c", "killer too", "d"].filter(
      (id) => !handled.has(id) && !dead.includes(id),
    );
    if (left.length === 0) break;
    const life1 = new Life(table);
    // In the first lives the killers are quicker than whoever is beside them.
    const slow: Work = async () => {
      await sleep(life1.env, 1_000);
      return { kind: "done" };
    };
    const ended = await life1.handle(
      left.map((id) => delivered(id, life)),
      slow,
    );
    for (const [id, outcome] of Object.entries(ended))
      if (outcome.kind === "done") handled.add(id);
      else dead.push(id);
  }
  deepEqual([...handled].toSorted(), innocent);
  deepEqual(dead.toSorted(), ["killer", "killer too"]);
  // What is known of the dead ones is forgotten when they are buried.
  deepEqual([...table.counts.keys()].toSorted(), ["killer", "killer too"]);
});

test("IN-5: the first attempt of a first delivery is not counted, later ones are, outside of what they do", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  const seen: unknown[] = [];
  const work = counted.around(async ({ envelope }) => {
    seen.push(table.counts.get(envelope.id));
    return { kind: "retry", failure: { why: "failed", code: "X", reason: "" } };
  });
  await work(delivered("a", 1));
  await work(delivered("a", 2));
  await work(delivered("a", 3));
  deepEqual(seen[0], undefined);
  deepEqual(table.counts.get("a"), { started: 2, finished: 2 });
});

test("IN-5: what is handled is forgotten, and so is what is given up: a redriven message begins anew", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  await counted.around(done)(delivered("a", 2));
  equal(table.counts.size, 0);
  table.counts.set("b", { started: 4, finished: 0 });
  const ended: string[] = [];
  const forgetting = counted.forgetting(async (_message, ending) => void ended.push(ending));
  await forgetting(delivered("b", 5), "parked");
  equal(table.counts.size, 0);
  deepEqual(ended, ["parked"]);
});

test("IN-5: an end that could not be written is no crash: it is written before the next attempt", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  const work = counted.around(async () => {
    table.away = true;
    return { kind: "retry", failure: { why: "failed", code: "X", reason: "" } };
  });
  for (let attempt = 2; attempt < 12; attempt++) {
    equal((await work(delivered("a", attempt))).kind, "retry");
    table.away = false;
  }
  deepEqual(table.counts.get("a"), { started: 10, finished: 9 });
});

test("IN-5: a beginning that was counted and never heard of is no crash either", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  for (let attempt = 2; attempt < 12; attempt++) {
    table.mute = true;
    equal((await counted.around(done)(delivered("a", attempt))).kind, "retry");
  }
  equal((await counted.around(done)(delivered("a", 12))).kind, "done");
  equal(table.counts.size, 0);
});

test("IN-5: while attempts cannot be counted nothing is handled, and nobody is to blame", async () => {
  const table = new Table();
  table.away = true;
  let ran = 0;
  const outcome = await new Life(table).counted.around(async () => {
    ran++;
    return { kind: "done" };
  })(delivered("a", 2));
  equal(ran, 0);
  equal(outcome.kind === "retry" && outcome.blameless, true);
});

test("a message under suspicion runs alone, and who waited for its turn too long does not run", async () => {
  const table = new Table();
  const { counted, env } = new Life(table);
  const log: string[] = [];
  const work = counted.around(async ({ envelope: { id } }) => {
    log.push(`${id} begins`);
    await sleep(env, 100);
    log.push(`${id} ends`);
    return { kind: "done" };
  });
  for (const id of ["x", "y"]) table.counts.set(id, { started: 1, finished: 0 });
  const late = delivered("late", 2);
  table.counts.set("late", { started: 1, finished: 0 });
  const over = { ...late, signal: AbortSignal.abort() };
  const outcomes = await Promise.all(
    [delivered("a", 1), delivered("x", 2), delivered("y", 2), over, delivered("b", 1)].map(work),
  );
  deepEqual(
    log,
    ["a begins", "b begins", "a ends", "b ends"].concat([
      "x begins",
      "x ends",
      "y begins",
      "y ends",
    ]),
  );
  deepEqual(
    outcomes.map(({ kind }) => kind),
    ["done", "done", "done", "retry", "done"],
  );
  deepEqual(table.counts.get("late"), { started: 2, finished: 1 });
});

test("what does not end keeps who would run alone from it, but not the others", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  const log: string[] = [];
  const work = counted.around(async ({ envelope: { id } }) => {
    log.push(id);
    if (id === "endless") await new Promise(() => {});
    return { kind: "done" };
  });
  void work(delivered("endless", 1));
  table.counts.set("x", { started: 1, finished: 0 });
  const time = new AbortController();
  const suspect = work({ ...delivered("x", 2), signal: time.signal });
  await new Promise((resolve) => setImmediate(resolve));
  const behind = work(delivered("behind", 1));
  await new Promise((resolve) => setImmediate(resolve));
  deepEqual(log, ["endless"]);
  time.abort();
  const outcome = await suspect;
  equal(outcome.kind === "retry" && outcome.blameless, true);
  equal((await behind).kind, "done");
  deepEqual(log, ["endless", "behind"]);
  deepEqual(table.counts.get("x"), { started: 2, finished: 1 });
});

test("who runs alone and does not end keeps the others waiting until its time is over, and no longer", async () => {
  const table = new Table();
  const { counted } = new Life(table);
  const log: string[] = [];
  const work = counted.around(async ({ envelope: { id } }) => {
    log.push(id);
    if (id === "endless") await new Promise(() => {});
    return { kind: "done" };
  });
  table.counts.set("endless", { started: 1, finished: 0 });
  const time = new AbortController();
  void work({ ...delivered("endless", 2), signal: time.signal });
  await new Promise((resolve) => setImmediate(resolve));
  void work(delivered("behind", 1));
  await new Promise((resolve) => setImmediate(resolve));
  deepEqual(log, ["endless"]);
  time.abort();
  await new Promise((resolve) => setImmediate(resolve));
  deepEqual(log, ["endless", "behind"]);
});
