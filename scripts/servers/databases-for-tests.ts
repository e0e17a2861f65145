import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite } from "node:test";
import { missingBetterSqlite3 } from "./better-sqlite3.ts";
import { missing } from "./for-tests.ts";
import { missingMysql, mysqlUnderTest } from "./mysql-for-tests.ts";
import { ownPostgres, postgres } from "./postgres.ts";

interface Databases extends AsyncDisposable {
  /** Makes an empty database; gives its address, or its path. */
  fresh(): Promise<string>;
}

interface Kind {
  /** Why what needs it is skipped. */
  missing(): string | undefined | Promise<string | undefined>;
  own(): Promise<Databases>;
}

/** What the tests of libraries that speak with several databases are run with: one server for each suite. */
const kinds = {
  postgres: { missing: () => missing(postgres), own: () => ownPostgres({ fsync: false }) },
  mysql: { missing: missingMysql, own: () => mysqlUnderTest({ fsync: false }) },
  sqlite: { missing: missingBetterSqlite3, own: ownFiles },
} satisfies Readonly<Record<string, Kind>>;

/** Registers a suite of tests on fresh databases of a kind; it is skipped by name where there are none. */
export async function suiteOn(
  dialect: keyof typeof kinds,
  name: string,
  register: (fresh: () => Promise<string>) => void,
): Promise<void> {
  const kind: Kind = kinds[dialect];
  const skip = (await kind.missing()) ?? false;
  void suite(name, { skip }, () => {
    let databases: Databases;
    before(async () => {
      databases = await kind.own();
    });
    after(() => databases[Symbol.asyncDispose]());
    register(() => databases.fresh());
  });
}

async function ownFiles(): Promise<Databases> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-sqlite-"));
  let made = 0;
  return {
    fresh: () => Promise.resolve(join(folder, `${++made}.db`)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
