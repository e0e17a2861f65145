// Calls that are idempotent by key, whose replicas share their keys and are killed in the middle: real processes, real databases.
import { deepEqual, equal, ok } from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { client, uniformRandom, type TrunklineError } from "trunkline";
import { missing } from "../scripts/servers/for-tests.ts";
import { mariadb, ownMariadb } from "../scripts/servers/mariadb.ts";
import { ownPostgres, postgres } from "../scripts/servers/postgres.ts";
import { databaseOf, execute, table, type Payments } from "./keys/database.ts";
import { Till } from "./keys/till.ts";
import { fromSource } from "./program.ts";

/** Payments at once. */
const together = 6;
/** So long it may take until one has come to the till that dies, in milliseconds. */
const comesWithinMs = 30_000;

/** Where it dies. */
const steps = ["claim", "effect", "commit", "keep"].flatMap((act) => [
  `before ${act}`,
  `after ${act}`,
]);

class Tills implements AsyncDisposable {
  readonly #folder: string;
  readonly #address: string;
  readonly #way: string;
  readonly #open = new Set<ChildProcess>();

  constructor(folder: string, address: string, way: "within" | "apart") {
    this.#folder = folder;
    this.#address = address;
    this.#way = way;
  }

  /** One more process; `step`: where it dies. */
  async start(name: string, step = ""): Promise<{ readonly died: Promise<unknown> }> {
    const file = join(import.meta.dirname, "keys/replica.ts");
    const child = fork(file, [this.#way, this.#address, this.#folder, name, step], {
      execArgv: fromSource,
    });
    this.#open.add(child);
    const died = once(child, "exit");
    await Promise.race([
      once(child, "message"),
      died.then((): never => {
        throw new Error(`${name} did not come up`);
      }),
    ]);
    return { died };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#open) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
}

/** What the caller of a payment was told. */
interface Told {
  readonly id: string;
  readonly error: TrunklineError | undefined;
}

/** A till that dies at each step beside one that does not, while both are paid at. */
async function dying(
  way: "within" | "apart",
  address: string,
  judge: (step: string, told: Told[], payments: Payments, again: Pay) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-keys-"));
  const at = address === "sqlite" ? `sqlite:${join(folder, "data.db")}` : address;
  const payments = databaseOf(at);
  try {
    await payments.store.migrate();
    await execute(payments, table);
    await using tills = new Tills(folder, at, way);
    await using till = client(Till, "service:till", {
      discovery: `directory:${join(folder, "services")}`,
      balance: uniformRandom, // also at one that has just come up
      limit: { endpoint: false }, // who dies all the time seems to bear little
    });
    const pay: Pay = (id) =>
      till.pay(id, { idempotencyKey: id, deadline: "8s" }).then(
        () => ({ id, error: undefined }),
        (error: unknown) => ({ id, error: error as TrunklineError }),
      );
    await tills.start("steady");
    for (const step of steps) {
      const mortal = await tills.start(`dies-${step.replace(" ", "-")}`, step);
      let dead = false;
      void mortal.died.then(() => (dead = true));
      const told: Told[] = [];
      const until = performance.now() + comesWithinMs;
      for (let round = 0; !dead && performance.now() < until; round++) {
        const ids = Array.from({ length: together }, (_, index) => `${step} ${round}-${index}`);
        told.push(...(await Promise.all(ids.map(pay))));
      }
      ok(dead, `nobody came ${step}`);
      await judge(step, told, payments, pay);
    }
  } finally {
    await payments.store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type Pay = (id: string) => Promise<Told>;

/** Not all at once: that would be refused for too much. */
async function inTurn(ids: readonly string[], pay: Pay): Promise<Told[]> {
  const all: Told[] = [];
  for (let first = 0; first < ids.length; first += together)
    all.push(...(await Promise.all(ids.slice(first, first + together).map(pay))));
  return all;
}

/** Whose payments: `before claim 0-3`. */
async function paidAt(step: string, payments: Payments): Promise<string[]> {
  return (await payments.all()).filter((id) => id.startsWith(`${step} `));
}

async function withinTransactions(address: string): Promise<void> {
  await dying("within", address, async (step, told, payments, again) => {
    for (const { id, error } of told) equal(error, undefined, `${id}: ${String(error)}`);
    const ids = told.map(({ id }) => id).toSorted();
    deepEqual((await paidAt(step, payments)).toSorted(), ids);
    for (const { error } of await inTurn(ids, again)) equal(error, undefined);
    deepEqual((await paidAt(step, payments)).toSorted(), ids);
  });
}

async function apartFromThem(address: string): Promise<void> {
  let unknown = 0;
  await dying("apart", address, async (step, told, payments, again) => {
    // Others were under way in the same process.
    const failed = told.filter(({ error }) => error !== undefined);
    for (const { error } of failed) equal(error!.executed, "maybe", String(error));
    unknown += failed.length;
    const before = (await paidAt(step, payments)).toSorted();
    equal(new Set(before).size, before.length);
    // Nobody does it again by himself, however often he is asked.
    const ids = told.map(({ id }) => id);
    for (const { id, error } of await inTurn(ids, again)) {
      const orphaned = failed.some((each) => each.id === id);
      deepEqual(
        [error?.code, error?.executed],
        orphaned ? ["UNKNOWN", "maybe"] : [undefined, undefined],
      );
    }
    deepEqual((await paidAt(step, payments)).toSorted(), before);
  });
  ok(unknown > 0, "no key was orphaned");
}

const timeout = 240_000;

test(
  "SQLite: who dies while it pays in the transaction of the key fails no call, and pays nothing twice",
  { timeout },
  () => withinTransactions("sqlite"),
);

test(
  "SQLite: who dies with a key whose effect is apart leaves a maybe that never runs again",
  { timeout },
  () => apartFromThem("sqlite"),
);

for (const [name, server, own] of [
  ["PostgreSQL", postgres, ownPostgres],
  ["MariaDB", mariadb, ownMariadb],
] as const) {
  const skip = missing(server) ?? false;
  test(`${name}: the same, both ways`, { timeout, skip }, async () => {
    await using databases = await own();
    await withinTransactions(await databases.fresh());
    await apartFromThem(await databases.fresh());
  });
}
