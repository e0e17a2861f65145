import { after, test } from "node:test";
import { PrismaBetterSqlite3 } from "@prisma/adapter-better-sqlite3";
import { PrismaPg } from "@prisma/adapter-pg";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import {
  generatedPrisma,
  type PrismaClient,
  type PrismaTransaction,
} from "../../../scripts/servers/prisma.ts";
import { partsOn, subjectOf, type Opened, type Row } from "../sql/testing/subject.ts";
import type { Dialect } from "../store.ts";
import { storeCases } from "../suite.ts";
import { prisma } from "./index.ts";

const adapters: readonly [
  name: string,
  dialect: Dialect,
  provider: "postgresql" | "sqlite",
  adapter: (address: string) => unknown,
][] = [
  [
    "adapter-pg",
    "postgres",
    "postgresql",
    (address) => new PrismaPg({ connectionString: address }),
  ],
  ["adapter-better-sqlite3", "sqlite", "sqlite", (url) => new PrismaBetterSqlite3({ url })],
];

for (const [name, dialect, provider, adapter] of adapters) {
  const generated = await generatedPrisma(provider);
  after(() => generated[Symbol.dispose]());
  await suiteOn(dialect, `Prisma, by its ${name}`, (fresh) => {
    const open = (address: string): Opened =>
      over(new generated.PrismaClient({ adapter: adapter(address) }));
    const cases = storeCases(subjectOf(dialect, open, fresh), partsOn[dialect]);
    for (const { name: sentence, run } of cases) void test(sentence, { timeout: 60_000 }, run);
  });
}

function over(client: PrismaClient): Opened {
  return {
    store: prisma(client),
    execute: (native, text) => (native as PrismaTransaction).$queryRawUnsafe<Row[]>(text),
    own: (work) => client.$transaction(work),
    close: () => client.$disconnect(),
  };
}
