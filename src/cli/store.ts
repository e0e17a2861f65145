import { timestamp } from "../base/timestamp.ts";
import { storeAt } from "../chassis/store-at.ts";
import type { Migration } from "../store/migration.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { table } from "./table.ts";
import { printJson, styled } from "./terminal.ts";
import { several } from "./units.ts";

/** The tables of a database in which messages are kept beside the user's own. */
export const store: Command = {
  name: "store",
  summary: "make the tables of outbox, inbox and keys in a database",
  usage: "migrate|status ADDRESS",
  about: `migrate: runs what is missing, and may be run again, and by several at once;
status: what was run, and when, and it ends with 8 when something is missing.`,
  options: {
    sql: { about: "print the SQL that is missing instead, for tools of your own" },
  },
  words: ["migrate", "status"],
  examples: [
    "store migrate postgres://localhost/shop",
    "store migrate sqlite:./shop.db --sql",
    "store status mysql://localhost/shop --json",
  ],
  async run(line) {
    const what = line.word(0, "migrate or status");
    if (what !== "migrate" && what !== "status")
      throw new UsageError(`store knows migrate and status, not ${JSON.stringify(what)}`);
    const address = line.word(1, "ADDRESS");
    line.atMost(2);
    await using database = await storeAt(address);
    if (line.on("sql")) return await printSql(line, await database.migrations());
    const ran = what === "migrate" ? await database.migrate() : [];
    const known = await database.migrations();
    await show(line, database.address, known, ran);
    return known.some(missing) ? exitCodes.found : exitCodes.ok;
  },
};

function missing({ ranAt }: Migration): boolean {
  return ranAt === undefined;
}

async function printSql({ terminal }: Line, known: readonly Migration[]): Promise<number> {
  const texts = known
    .filter(missing)
    .map(({ name, sql }) => `-- ${name}\n${sql}${recorded(name)}\n`);
  await terminal.print(texts.map((text) => `${text}\n`).join(""));
  return exitCodes.ok;
}

/** So that `migrate` and `status` know what somebody else has run. */
function recorded(name: string): string {
  return `
CREATE TABLE IF NOT EXISTS trunkline_migration (name varchar(100) NOT NULL PRIMARY KEY, ran_at bigint NOT NULL);

INSERT INTO trunkline_migration (name, ran_at) VALUES ('${name}', 0);`;
}

async function show(
  { terminal, json }: Line,
  address: string,
  known: readonly Migration[],
  ran: readonly Migration[],
): Promise<void> {
  const ok = !known.some(missing);
  if (json) {
    const migrations = known.map(({ name, ranAt }) => ({ name, ranAt }));
    const names = ran.map(({ name }) => name);
    return printJson(terminal, { ok, store: address, ran: names, migrations });
  }
  const now = new Set(ran.map(({ name }) => name));
  const rows = known.map(({ name, ranAt }) => [
    `  ${name}`,
    ranAt === undefined ? styled(terminal, "red", "missing") : whenOf(ranAt),
    now.has(name) ? "just now" : "",
  ]);
  const left = known.filter(missing).length;
  const told = left === 0 ? "all tables are there" : `${several(left, "migration")} missing`;
  await terminal.print(`${styled(terminal, "bold", address)}    ${told}\n${table(rows)}`);
}

/** Who has run the printed SQL by hand has left no time. */
function whenOf(ranAt: number): string {
  return ranAt === 0 ? "run by hand" : timestamp(ranAt);
}
