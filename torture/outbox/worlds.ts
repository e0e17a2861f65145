import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownMariadb, mariadb } from "../../scripts/servers/mariadb.ts";
import { ownPostgres, postgres } from "../../scripts/servers/postgres.ts";
import { missing } from "../../scripts/servers/for-tests.ts";
import { freeRabbitmqPorts, rabbitmqAt, rabbitmqUser } from "../../scripts/servers/rabbitmq.ts";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { running, type Running } from "../../scripts/servers/running.ts";
import { databaseAt } from "./database.ts";
import { ask, ownTables } from "./own-sql.ts";
import { countedAfter, countedFirst } from "./place.ts";

export type StoreName = "sqlite" | "postgres" | "mariadb";
export type BrokerName = "file" | "rabbitmq";

/** A database with the tables of Trunkline and of its users, a broker, and a folder for the logs of who uses them. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly store: string;
  readonly broker: string;
  /** Servers that can be struck. */
  readonly servers: readonly { readonly name: string; readonly running: Running }[];
  /** What is in its folder stays for whoever wonders what happened. */
  keep(): void;
}

/** Why there can be no such world here; undefined: there can. */
export function worldless(name: StoreName): string | undefined {
  return name === "sqlite" ? undefined : missing(name === "postgres" ? postgres : mariadb);
}

/** Starts the server of a database, where it has one. */
export async function databasesOf(name: StoreName): Promise<OwnDatabases | undefined> {
  return name === "sqlite" ? undefined : name === "postgres" ? ownPostgres() : ownMariadb();
}

/** A world of its own; in a database of `shared` when it is to share a server with others. */
export async function worldOf(
  name: StoreName,
  brokerName: BrokerName = "file",
  shared?: OwnDatabases,
): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "trunkline-torture-"));
  let kept = false;
  stack.defer(() => void (kept || rmSync(folder, { recursive: true, force: true })));
  const servers: { readonly name: string; readonly running: Running }[] = [];
  try {
    let store = `sqlite:${join(folder, "store.db")}`;
    const own = shared === undefined ? await databasesOf(name) : undefined;
    if (own !== undefined) {
      stack.use(own);
      servers.push({ name, running: own.server });
    }
    const databases = shared ?? own;
    if (databases !== undefined) store = await databases.fresh();
    let broker = `file:${join(folder, "broker")}`;
    if (brokerName === "rabbitmq") {
      const ports = await freeRabbitmqPorts();
      const server = stack.use(await running(rabbitmqAt("rabbitmq", ports)));
      servers.push({ name: brokerName, running: server });
      const { name: user, password } = rabbitmqUser;
      broker = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}`;
    }
    await furnish(store);
    return {
      ...{ folder, store, broker, servers },
      keep: () => void (kept = true),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Makes all tables. */
async function furnish(address: string): Promise<void> {
  await using database = await databaseAt(address);
  const { store } = database;
  await store.migrate();
  await store.transaction(async ({ native }) => {
    const keys = [...countedFirst, ...countedAfter];
    for (const sql of ownTables(store.dialect, keys)) await ask(store.dialect, native, sql);
  });
}
