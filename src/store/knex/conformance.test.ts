import { test } from "node:test";
import knexOf, { type Knex } from "knex";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { partsOn, subjectOf, type Opened, type Row } from "../sql/testing/subject.ts";
import type { Dialect } from "../store.ts";
import { storeCases } from "../suite.ts";
import { knex } from "./index.ts";

const clients: readonly [client: string, dialect: Dialect, rowsOf: (answer: unknown) => unknown][] =
  [
    ["pg", "postgres", (answer) => (answer as { rows: unknown }).rows],
    ["mysql2", "mysql", (answer) => (answer as unknown[])[0]],
    ["better-sqlite3", "sqlite", (answer) => answer],
  ];

for (const [client, dialect, rowsOf] of clients)
  await suiteOn(dialect, `Knex, by ${client}`, (fresh) => {
    const open = (address: string): Opened => over(client, address, rowsOf);
    const cases = storeCases(subjectOf(dialect, open, fresh), partsOn[dialect]);
    for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
  });

function over(client: string, address: string, rowsOf: (answer: unknown) => unknown): Opened {
  const db = knexOf({
    client,
    connection: client === "better-sqlite3" ? { filename: address } : address,
    useNullAsDefault: true,
  });
  return {
    store: knex(db),
    async execute(native, text) {
      const rows = rowsOf(await (native as Knex.Transaction).raw(text.replaceAll("?", "\\?")));
      return Array.isArray(rows) ? (rows as Row[]) : [];
    },
    own: (work) => db.transaction(work),
    close: () => db.destroy(),
  };
}
