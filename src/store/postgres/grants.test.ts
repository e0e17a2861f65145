import { deepEqual, rejects } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { storeCases } from "../suite.ts";
import { postgres } from "./index.ts";
import { postgresSubject } from "./testing/subject.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/stores.md"), "utf8");
const granted = page.match(/^GRANT .*;$/gm) ?? [];

suite(
  "as a user of PostgreSQL who has what the documentation grants",
  { skip: missing(server) ?? false },
  () => {
    let databases: Awaited<ReturnType<typeof ownPostgres>>;
    before(async () => {
      databases = await ownPostgres({ fsync: false });
    });
    after(() => databases[Symbol.asyncDispose]());

    /** A database with its tables; gives the address of a user who may use them, and has a schema for tables of his own. */
    async function granting(grants: readonly string[]): Promise<string> {
      const address = await databases.fresh();
      await using admin = postgres(address);
      await admin.migrate();
      const database = address.split("/").at(-1)!;
      const user = `app_${database}`;
      const statements = [
        `CREATE ROLE ${user} LOGIN;`,
        `CREATE SCHEMA own AUTHORIZATION ${user};`,
        `ALTER ROLE ${user} SET search_path = own, public;`,
        ...grants.map((each) => each.replace(/ TO shop;$/, ` TO ${user};`)),
      ];
      await databases.run(statements.join("\n"), database);
      return address.replace("//postgres@", `//${user}@`);
    }

    void test("the documentation says something of every table", async () => {
      const address = await databases.fresh();
      await using admin = postgres(address);
      await admin.migrate();
      const tables = await databases.run(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
        address.split("/").at(-1),
      );
      const named = granted
        .filter((grant) => !grant.includes(" ON SEQUENCE "))
        .map((grant) => / ON (\w+) /.exec(grant)?.[1] ?? grant);
      deepEqual(named.toSorted(), tables.trim().split("\n"));
    });

    void test("who only publishes needs to insert into the outbox, with what numbers its rows, and no more", async () => {
      const address = await granting([
        "GRANT INSERT ON trunkline_outbox TO shop;",
        "GRANT USAGE ON SEQUENCE trunkline_outbox_seq TO shop;",
        "GRANT SELECT ON SEQUENCE trunkline_outbox_slot TO shop;",
      ]);
      await using store = postgres(address);
      const row = {
        id: "id",
        lane: 3,
        key: "key",
        channel: "{}",
        head: "{}",
        data: Buffer.from("data"),
        notBefore: undefined,
      };
      await store.transaction((tx) => store.outbox.append!(tx, [row]));
      await store.transaction(async (tx) => {
        await store.outbox.lock(tx, [3]);
        await store.outbox.insert(tx, [row, row]);
      });
      await rejects(store.outbox.read([3], [], 10), {
        code: "PERMISSION_DENIED",
        executed: "no",
        advice: /has to be granted/,
      });
    });

    const cases = storeCases(postgresSubject(() => granting(granted)));
    // Who may make the tables is another user.
    const usual = cases.filter(({ name }) => !/migrat|without its tables/.test(name));
    for (const { name, run } of usual) void test(name, { timeout: 60_000 }, run);
  },
);
