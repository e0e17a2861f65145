import { readdir, readFile } from "node:fs/promises";
import { systemError } from "../../base/error.ts";
import type { Migration } from "../migration.ts";
import type { Dialect } from "../store.ts";
import type { SqlAccess } from "./access.ts";
import { numberOf } from "./columns.ts";
import { raw, sql } from "./statement.ts";

/** Files of plain SQL lie beside this one, in a folder for each dialect; they are run in the order of their names. */
const folder = new URL("./migrations/", import.meta.url);

const versions = raw(
  "CREATE TABLE IF NOT EXISTS trunkline_migration (name varchar(100) NOT NULL PRIMARY KEY, ran_at bigint NOT NULL)",
);

async function knownMigrations(dialect: Dialect): Promise<readonly Omit<Migration, "ranAt">[]> {
  const place = new URL(`${dialect}/`, folder);
  try {
    const names = (await readdir(place)).filter((name) => name.endsWith(".sql")).toSorted();
    return await Promise.all(
      names.map(async (name) => ({
        name: name.slice(0, -".sql".length),
        sql: await readFile(new URL(name, place), "utf8"),
      })),
    );
  } catch (cause) {
    throw systemError(
      "INTERNAL",
      `the files of SQL are not beside the program, in ${place.pathname}`,
      {
        executed: "no",
        advice: "a bundle does not contain them: run `trunkline store migrate` of the package",
        cause,
      },
    );
  }
}

/** What was run here, and when. */
export async function migrationsOf(access: SqlAccess): Promise<readonly Migration[]> {
  const known = await knownMigrations(access.dialect.dialect);
  const ran = await ranBefore(access);
  return known.map((each) => ({ ...each, ranAt: ran.get(each.name) }));
}

async function ranBefore(access: SqlAccess): Promise<ReadonlyMap<string, number>> {
  try {
    const rows = await access.rows(sql`SELECT name, ran_at FROM trunkline_migration`);
    return new Map(rows.map((row) => [row["name"] as string, numberOf(row["ran_at"])]));
  } catch (error) {
    if (access.isMissing(error)) return new Map();
    throw error;
  }
}

/** Runs what is missing, one process at a time: who comes second finds nothing to do. */
export async function migrate(access: SqlAccess): Promise<readonly Migration[]> {
  const { dialect } = access;
  // Who may not create tables may still find that all are there.
  const before = await migrationsOf(access);
  if (before.every(({ ranAt }) => ranAt !== undefined)) {
    await renumber(access);
    return [];
  }
  return access.transaction(async (native) => {
    const run = (statement: string) => access.runNative(native, raw(statement));
    const { take, give } = dialect.migrating;
    if (take !== undefined) await access.runNative(native, take);
    try {
      await access.runNative(native, versions);
      const { rows } = await run("SELECT name FROM trunkline_migration");
      const there = new Set(rows.map((row) => row["name"]));
      const ran: Migration[] = [];
      for (const { name, sql: text } of before) {
        if (there.has(name)) continue;
        for (const statement of statementsOf(text)) await run(statement);
        await access.runNative(
          native,
          sql`INSERT INTO trunkline_migration (name, ran_at) VALUES (${name}, ${dialect.now})`,
        );
        const { rows: at } = await access.runNative(
          native,
          sql`SELECT ran_at FROM trunkline_migration WHERE name = ${name}`,
        );
        ran.push({ name, sql: text, ranAt: numberOf(at[0]!["ran_at"]) });
      }
      return ran;
    } finally {
      if (give !== undefined) await access.runNative(native, give);
    }
  });
}

/** What draws the numbers of rows is raised above those that are there (OB-12). */
async function renumber(access: SqlAccess): Promise<void> {
  const { numbers, migrating } = access.dialect;
  if (numbers === undefined) return;
  const [row] = await access.rows(numbers.behind);
  if (row?.["behind"] !== true) return;
  await access.own(async (native) => {
    if (migrating.take !== undefined) await access.runNative(native, migrating.take);
    await access.runNative(native, numbers.raise);
  });
}

/** In our files a statement ends with a semicolon at the end of a line, and nothing else does. */
function statementsOf(text: string): string[] {
  return text
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.replaceAll(/^\s*--.*$/gm, "").trim())
    .filter((statement) => statement !== "");
}
