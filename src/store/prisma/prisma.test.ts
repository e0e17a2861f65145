import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { PrismaBetterSqlite3 } from "@prisma/adapter-better-sqlite3";
import { PrismaPg } from "@prisma/adapter-pg";
import { command } from "../../../scripts/servers/command.ts";
import { suiteOn } from "../../../scripts/servers/databases-for-tests.ts";
import { generatedPrisma } from "../../../scripts/servers/prisma.ts";
import { pending, publish } from "../sql/testing/published.ts";
import { prisma } from "./index.ts";

const [onPostgres, onSqlite] = [
  await generatedPrisma("postgresql"),
  await generatedPrisma("sqlite"),
];
after(() => onPostgres[Symbol.dispose]());
after(() => onSqlite[Symbol.dispose]());

await suiteOn("postgres", "Prisma, by its adapter-pg, in particular", (fresh) => {
  const opened = async (transactionMs?: number) => {
    const client = new onPostgres.PrismaClient({
      adapter: new PrismaPg({ connectionString: await fresh() }),
    });
    await prisma(client).migrate();
    const store = prisma(client, { ...(transactionMs !== undefined && { transactionMs }) });
    return { client, store, [Symbol.asyncDispose]: () => client.$disconnect() };
  };

  test("a transaction in which a statement has failed is not taken for committed", async () => {
    await using own = await opened();
    const { store } = own;
    const work = store.transaction(async ({ native: tx }) => {
      await publish(store, tx, "lost");
      await rejects(tx.$queryRawUnsafe("SELECT 1 / 0"));
    });
    await rejects(work, { code: "INVALID_ARGUMENT", executed: "no" });
    deepEqual(await pending(store), []);
  });

  test("a transaction that takes too long is rolled back, and may be run again", async () => {
    await using own = await opened(200);
    const { store } = own;
    const work = store.transaction(async ({ native: tx }) => {
      await publish(store, tx, "lost");
      await tx.$queryRawUnsafe("SELECT CAST(pg_sleep(0.5) AS text)");
    });
    await rejects(work, { code: "UNAVAILABLE", executed: "no", gate: "conflict" });
    deepEqual(await pending(store), []);
  });

  test("of a database that cannot be reached is said that nothing has begun", async () => {
    const adapter = new PrismaPg({ connectionString: "postgres://me:secret@127.0.0.1:1/shop" });
    const client = new onPostgres.PrismaClient({ adapter });
    const store = prisma(client);
    const unreached = { code: "UNAVAILABLE", executed: "no" };
    await rejects(store.keys.alive("me", 1_000), unreached);
    await rejects(
      store.transaction(() => Promise.resolve()),
      unreached,
    );
    await client.$disconnect();
  });

  test("a client is no transaction", async () => {
    await using own = await opened();
    const { client, store } = own;
    throws(() => store.adopt(client), { code: "INVALID_ARGUMENT" });
  });
});

await suiteOn("sqlite", "Prisma, by its adapter-better-sqlite3, in particular", (fresh) => {
  test("what is read beside an open transaction waits for its end, and sees nothing that is rolled back", async () => {
    const client = new onSqlite.PrismaClient({
      adapter: new PrismaBetterSqlite3({ url: await fresh() }),
    });
    const store = prisma(client);
    await store.migrate();
    const failing = store.transaction(async ({ native: tx }) => {
      await publish(store, tx, "never");
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("back");
    });
    const [outcome, seen] = await Promise.allSettled([failing, pending(store)]);
    equal(outcome.status, "rejected");
    deepEqual(seen, { status: "fulfilled", value: [] });
    await client.$disconnect();
  });
});

test("what handlers are given is Prisma's own type of a transaction", async () => {
  using generated = await generatedPrisma("sqlite", "model Effect {\n  id Int @id\n}\n");
  const { folder } = generated;
  const root = join(import.meta.dirname, "../../..");
  const config = { extends: join(root, "tsconfig.json"), files: ["types.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const source = `import { prisma } from "trunkline/store/prisma";
import type { Prisma, PrismaClient } from "./client/client.ts";

export async function write(client: PrismaClient): Promise<void> {
  const store = prisma(client);
  await store.transaction(async ({ native: tx }) => {
    const own: Prisma.TransactionClient = tx;
    await own.effect.create({ data: { id: 1 } });
  });
  await client.$transaction(async (tx) => void store.adopt(tx));
}
`;
  writeFileSync(join(folder, "types.ts"), source);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { code, stdout } = await command(process.execPath, [compiler, "-p", folder, "--noEmit"]);
  equal(code, 0, stdout);
});
