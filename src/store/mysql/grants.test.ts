import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missingMysql, mysqlUnderTest } from "../../../scripts/servers/mysql-for-tests.ts";
import { storeCases } from "../suite.ts";
import { mysql } from "./index.ts";
import { mysqlSubject } from "./testing/subject.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/stores-mysql.md"), "utf8");
const granted = page.match(/^GRANT .*;$/gm) ?? [];

suite(
  "as a user of MariaDB who has what the documentation grants",
  { skip: missingMysql() ?? false },
  () => {
    let databases: OwnDatabases;
    before(async () => {
      databases = await mysqlUnderTest({ fsync: false });
    });
    after(() => databases[Symbol.asyncDispose]());

    /** A database with its tables; gives the address of a user who may use them, and the suite's own. */
    async function granting(grants: readonly string[]): Promise<string> {
      const address = await databases.fresh();
      await using admin = mysql(address);
      await admin.migrate();
      const name = address.split("/").at(-1)!;
      // What the suite itself does: it has effects, and gives dead rows the numbers that a failover would.
      const own = [
        "GRANT CREATE, SELECT, INSERT ON shop.suite_effect TO 'shop'@'%';",
        "GRANT UPDATE ON shop.trunkline_outbox_dead TO 'shop'@'%';",
      ];
      const statements = [`CREATE USER 'shop'@'%';`, ...own, ...grants].map((each) =>
        each.replaceAll("'shop'@'%'", `'app_${name}'@'%'`).replaceAll(" shop.", ` ${name}.`),
      );
      await databases.run(statements.join("\n"));
      return address.replace("//root@", `//app_${name}@`);
    }

    test("the documentation says something of every table", async () => {
      const address = await databases.fresh();
      await using admin = mysql(address);
      await admin.migrate();
      const tables = await databases.run("SHOW TABLES", address.split("/").at(-1));
      const named = granted.map((grant) => / ON shop\.(\w+) /.exec(grant)?.[1] ?? grant);
      assert.deepEqual(named.toSorted(), tables.trim().split("\n").toSorted());
    });

    test("without a right it is said who has to be asked, and that nothing was done", async () => {
      const without = granted.filter((grant) => !grant.includes("trunkline_outbox_lane"));
      await using store = mysql(await granting(without));
      await assert.rejects(
        store.transaction((tx) => store.outbox.lock(tx, [1])),
        { code: "PERMISSION_DENIED", executed: "no", advice: /has to be granted/ },
      );
    });

    const cases = storeCases(mysqlSubject(() => granting(granted)));
    // Who may make the tables is another user.
    const usual = cases.filter(({ name }) => !/migrat|without its tables/.test(name));
    for (const { name, run } of usual) void test(name, { timeout: 60_000 }, run);
  },
);
