import { after, before, suite, test } from "node:test";
import type { OwnDatabases } from "../../../scripts/servers/databases.ts";
import { missingMysql, mysqlUnderTest } from "../../../scripts/servers/mysql-for-tests.ts";
import { storeCases } from "../suite.ts";
import { mysqlSubject } from "./testing/subject.ts";

suite("with a real MariaDB, by mysql2", { skip: missingMysql() ?? false }, () => {
  let databases: OwnDatabases;
  before(async () => {
    databases = await mysqlUnderTest({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  const cases = storeCases(mysqlSubject(() => databases.fresh()));
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
});
