import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { Client } from "pg";
import { mariadb } from "../../scripts/servers/mariadb.ts";
import { postgres } from "../../scripts/servers/postgres.ts";
import { programOf, start, stateOf, type Server } from "../../scripts/servers/server.ts";

const folders = join(import.meta.dirname, "../../.cache/servers");

/** A database that the counters keep their totals in; gone when it is disposed of. */
export interface OwnStore extends AsyncDisposable {
  readonly address: string;
  /** For people. */
  readonly named: string;
}

/**
 * The database that a name or an address means: `sqlite` is a file in the folder of the run; of the servers of `npm run servers`, which are
 * started if they do not run, and of an address it is a new database, so that what an earlier run has left is not ours. Throws an
 * Error for a person.
 */
export async function ownStore(named: string, folder: string): Promise<OwnStore> {
  const database = `trunkline_demo_${randomUUID().slice(0, 8)}`;
  if (named === "sqlite")
    return {
      address: `sqlite:${join(folder, "books.db")}`,
      named,
      [Symbol.asyncDispose]: () => Promise.resolve(), // with the folder
    };
  const address = await addressOf(named);
  await run(address, `create database ${database}`);
  const own = new URL(address);
  own.pathname = `/${database}`;
  return {
    address: own.href,
    named: /^[a-z]+$/.test(named) ? named : own.protocol.slice(0, -1),
    [Symbol.asyncDispose]: () => run(address, `drop database ${database}`),
  };
}

async function run(address: string, sql: string): Promise<void> {
  if (/^postgres(ql)?:/.test(address)) {
    const client = new Client({ connectionString: address });
    await client.connect();
    await client.query(sql);
    await client.end();
  } else {
    const connection = await createConnection(address);
    await connection.query(sql);
    await connection.end();
  }
}

async function addressOf(named: string): Promise<string> {
  switch (named) {
    case "postgres":
      await running(postgres);
      return `postgres://postgres@127.0.0.1:${postgres.port}/postgres`;
    case "mariadb":
      await running(mariadb);
      return `mysql://root@127.0.0.1:${mariadb.port}/mysql`;
    default:
      if (/^(postgres(ql)?|mysql):\/\//.test(named)) return named;
      throw new Error(
        `--store ${named}: write sqlite, postgres, mariadb, none, or an address, postgres://host/database`,
      );
  }
}

async function running(server: Server): Promise<void> {
  if (programOf(server) === undefined)
    throw new Error(`${server.name} is not installed: npm run servers -- install ${server.name}`);
  const folder = join(folders, server.name);
  if (!stateOf(server, folder).running) await start(server, folder);
}
