import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { ownPostgres, postgres as server } from "../../../scripts/servers/postgres.ts";
import { storeCases } from "../suite.ts";
import { postgresSubject } from "./testing/subject.ts";

suite("with a real PostgreSQL, by pg", { skip: missing(server) ?? false }, () => {
  let databases: Awaited<ReturnType<typeof ownPostgres>>;
  before(async () => {
    databases = await ownPostgres({ fsync: false });
  });
  after(() => databases[Symbol.asyncDispose]());

  const cases = storeCases(postgresSubject(() => databases.fresh()));
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
});
