import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { missing } from "../../scripts/servers/for-tests.ts";
import { mariadb, ownMariadb } from "../../scripts/servers/mariadb.ts";
import { ownPostgres, postgres as server } from "../../scripts/servers/postgres.ts";
import type { Finding } from "../store/finding.ts";
import type { NewOutboxRow } from "../store/outbox-rows.ts";
import { mysql } from "../store/mysql/index.ts";
import { postgres } from "../store/postgres/index.ts";
import { sqlite } from "../store/sqlite/index.ts";
import type { Store } from "../store/store.ts";
import { trial } from "./trial.ts";

/** A database in a file; `migrated` unless said otherwise. */
async function shop(context: TestContext): Promise<{ address: string; store: Store }> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
  const path = join(folder, "shop.db");
  const store: Store = sqlite(path);
  context.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return { address: `sqlite:${path}`, store };
}

async function write(store: Store, ...rows: readonly Partial<NewOutboxRow>[]): Promise<void> {
  const whole = rows.map((row, index) => ({
    ...{ id: `m-${index}`, lane: 17, key: "o-1", notBefore: undefined },
    ...{ channel: '{"name":"orders.1.placed","shape":"topic"}', head: "{}" },
    ...{ data: Buffer.from("{}"), ...row },
  }));
  await store.transaction(async (tx) => {
    await store.outbox.lock(
      tx,
      [...new Set(whole.map(({ lane }) => lane))].toSorted((a, b) => a - b),
    );
    await store.outbox.insert(tx, whole);
  });
}

/** A relay that lives for a while, and what it has read. */
async function read(store: Store) {
  const { leases } = await store.outbox.keep("a relay", 60_000, []);
  const rows = await store.outbox.read(
    leases.map(({ share }) => share),
    [],
    100,
  );
  return { leases, rows };
}

async function doctor(address: string, ...words: readonly string[]) {
  const { code, out } = await trial(["outbox", "doctor", address, "--json", ...words]);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding & { ok?: boolean });
  const wrong = lines.filter(({ state }) => state === "wrong").map(({ about }) => about);
  return { code, wrong, ok: lines.at(-1)!.ok, lines };
}

suite("trunkline outbox", () => {
  test("the doctor finds nothing wrong where a relay lives and nothing waits", async (t) => {
    const { address, store } = await shop(t);
    await store.migrate();
    await read(store);
    deepEqual((await doctor(address)).wrong, []);
    equal((await doctor(address)).code, 0);
    const { out } = await trial(["outbox", "doctor", address]);
    match(out, /✓ relays +1 relay/);
  });

  test("the doctor says what is wrong, what it means and what to do", async (t) => {
    const { address, store } = await shop(t);
    deepEqual((await doctor(address)).wrong, ["migrations"]);
    await store.migrate();
    const alone = await doctor(address);
    deepEqual([alone.code, alone.ok, alone.wrong], [8, false, ["relays"]]);
    await write(store, {}, { lane: 260, key: undefined }, { lane: 3, key: "o-2" });
    const { leases, rows } = await read(store);
    const stands = rows.find(({ lane }) => lane === 17)!;
    await store.outbox.refused(leases, stands);
    await store.outbox.bury(leases, [rows.find(({ lane }) => lane === 3)!], "too large", "first");
    let waits = await doctor(address, "--oldest", "1ms");
    while (!waits.wrong.includes("oldest")) waits = await doctor(address, "--oldest", "1ms");
    deepEqual(waits.wrong, ["oldest", "lanes", "dead"]);
    ok(
      waits.lines.every(
        ({ state, advice }) => state === "fine" || state === undefined || advice !== "",
      ),
    );
    const { out } = await trial(["outbox", "doctor", address]);
    match(out, /✗ lanes +1 lane with a message that the broker refuses: 17\n +what is behind it/);
  });

  test("status shows what waits, lane by lane, and who relays", async (t) => {
    const { address, store } = await shop(t);
    await store.migrate();
    await write(store, {}, {}, { lane: 260, key: undefined });
    const nobody = await trial(["outbox", "status", address]);
    match(nobody.out, /3 pending[^]+nobody relays[^]+lane 17 +2 pending/);
    match(nobody.out, /lane 260 +1 pending +oldest 0 s +without order/);
    const { leases, rows } = await read(store);
    await store.outbox.refused(
      leases,
      rows.find(({ lane }) => lane === 17)!,
    );
    const { out } = await trial(["outbox", "status", address]);
    match(out, /1 relay, all lanes are theirs/);
    match(out, /lane 17 .+ refused 1 time\n/);
    const told = JSON.parse((await trial(["outbox", "status", address, "--json"])).out) as object;
    ok("pending" in told && told.pending === 3);
  });

  test("dead messages are listed with why, and go back by key, by id, or all", async (t) => {
    const { address, store } = await shop(t);
    await store.migrate();
    await write(
      store,
      { id: "a" },
      { id: "b" },
      { id: "c", key: "o-2" },
      { id: "d", lane: 260, key: undefined },
    );
    const { leases, rows } = await read(store);
    const named = (id: string) => rows.filter((row) => row.id === id);
    await store.outbox.bury(leases, named("a"), "too large", "first");
    await store.outbox.bury(leases, named("b"), "an earlier one of its key is dead", "follows");
    for (const id of ["c", "d"])
      await store.outbox.bury(leases, named(id), "nobody is there", "none");
    const listed = await trial(["outbox", "dead", address]);
    match(listed.out, /4 dead messages\n {2}a +o-1 +orders\.1\.placed +20\S+ +2 B +too large\n/);
    const lines = (await trial(["outbox", "dead", address, "--json"])).out.trim().split("\n");
    deepEqual(
      lines.map((line) => (JSON.parse(line) as { id?: string }).id),
      ["a", "b", "c", "d", undefined],
    );
    const byKey = await trial(["outbox", "redrive", address, "--key", "o-1"]);
    deepEqual([byKey.code, byKey.out], [0, "2 messages put back\n"]);
    equal((await trial(["outbox", "redrive", address, "--id", "c"])).out, "1 message put back\n");
    const rest = await trial(["outbox", "redrive", address, "--all", "--json"]);
    equal((JSON.parse(rest.out) as { redriven: number }).redriven, 1);
    equal((await trial(["outbox", "redrive", address, "--all"])).code, 8, "there is nothing left");
    const back = await store.outbox.read(
      leases.map(({ share }) => share),
      [],
      100,
    );
    deepEqual(
      back.filter(({ lane }) => lane === 17).map(({ id }) => id),
      ["a", "b", "c"],
    );
  });

  test("what cannot be meant is said, and nothing is done", async (t) => {
    const { address, store } = await shop(t);
    await store.migrate();
    for (const words of [
      ["look", address],
      ["redrive", address],
      ["redrive", address, "--all", "--key", "o-1"],
      ["tailing", address, "on"],
      ["status", "oracle://localhost"],
    ])
      ok([2, 4].includes((await trial(["outbox", ...words])).code), words.join(" "));
  });
});

suite("trunkline outbox, with PostgreSQL", { skip: missing(server) }, () => {
  let own: OwnDatabases;
  before(async () => {
    own = await ownPostgres({ fsync: false });
  });
  after(() => own[Symbol.asyncDispose]());

  test("tailing is turned on and off, twice each, and the doctor says what becomes of the slot", async () => {
    const address = await own.fresh();
    await using store: Store = postgres(address);
    await store.migrate();
    await read(store);
    const about = async () => {
      const { lines } = await doctor(address);
      return lines.filter((line) => line.about === "tailing").map(({ state }) => state);
    };
    deepEqual(await about(), ["fine"]);
    const on = await trial(["outbox", "tailing", address, "on"]);
    match(on.out, /made the publication trunkline_outbox[^]+made the slot trunkline_outbox_test_1/);
    equal((await trial(["outbox", "tailing", address, "on"])).out, "it is so already\n");
    deepEqual(await about(), ["warning", "warning"], "nobody reads it, and its size has no bound");
    const { lines } = await doctor(address);
    ok(!lines.some(({ about: of }) => of === "slots"), "it is told of once");
    for (const looked of ["dead-rows", "autovacuum", "old-snapshot", "prepared", "numbers"])
      equal(lines.find(({ about: of }) => of === looked)?.state, "fine", looked);
    ok(
      lines.some(({ about: of, state }) => of === "durability" && state === "wrong"),
      "fsync is off",
    );
    await trial(["outbox", "tailing", address, "off"]);
    equal((await trial(["outbox", "tailing", address, "off"])).out, "it is so already\n");
    deepEqual(await about(), ["fine"]);
  });
});

suite(
  "trunkline outbox, by a user of PostgreSQL with few rights",
  { skip: missing(server) },
  () => {
    test("the owner of the tables may turn tailing on with REPLICATION and CREATE, and is told so without", async () => {
      await using own = await ownPostgres({ fsync: false });
      const address = await own.fresh();
      const database = new URL(address).pathname.slice(1);
      await own.run(`CREATE ROLE keeper LOGIN; GRANT CREATE ON SCHEMA public TO keeper`, database);
      const keeper = address.replace("postgres@", "keeper@");
      await using store: Store = postgres(keeper);
      await store.migrate();
      const refused = await trial(["outbox", "tailing", keeper, "on"]);
      equal(refused.code, 4, refused.err);
      match(refused.err, /REPLICATION and CREATE on the database/);
      await own.run(
        `ALTER ROLE keeper REPLICATION; GRANT CREATE ON DATABASE ${database} TO keeper`,
      );
      const on = await trial(["outbox", "tailing", keeper, "on"]);
      match(on.out, /made the slot/, on.err);
      equal((await trial(["outbox", "tailing", keeper, "off"])).code, 0);
    });
  },
);

suite("trunkline outbox, with MariaDB", { skip: missing(mariadb) }, () => {
  test("the doctor looks at what keeps purge away, and says what a user may not see", async () => {
    await using own = await ownMariadb({ fsync: false });
    const address = await own.fresh();
    await using store: Store = mysql(address);
    await store.migrate();
    await read(store);
    const seen = (lines: readonly Finding[]): Record<string, string> =>
      Object.fromEntries(lines.map(({ about, state }) => [about, state]));
    const all = seen((await doctor(address)).lines);
    deepEqual([all["history"], all["long-transaction"]], ["fine", "fine"]);
    equal(all["durability"], "warning", "what is committed is not on the disk");
    const database = new URL(address).pathname.slice(1);
    await own.run(
      `CREATE USER clerk@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON ${database}.* TO clerk@'%'`,
    );
    const clerk = new URL(address);
    [clerk.username, clerk.password] = ["clerk", "secret"];
    const { lines } = await doctor(clerk.href);
    const history = lines.find(({ about }) => about === "history");
    match(history?.seen ?? "", /could not be looked at: .*PROCESS/);
  });
});
