import { spawnSync } from "node:child_process";
import { chownSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { command, printed } from "./command.ts";
import { names, type DatabaseTerms, type OwnDatabases } from "./databases.ts";
import { freePort } from "./for-tests.ts";
import { running } from "./running.ts";
import type { Server } from "./server.ts";

/** The programs of its package: those in the path would look for the cluster of the package. */
export const postgresPrograms = "/usr/lib/postgresql/15/bin";

/** PostgreSQL 15 with logical decoding, as Debian brings it, at 25432; anybody on this machine may in as `postgres`. */
export const postgres: Server = postgresAt("postgres", 25_432);

/** The same elsewhere. */
function postgresAt(name: string, port: number, terms: DatabaseTerms = {}): Server {
  const { fsync = true } = terms;
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    wal_level: "logical",
    max_replication_slots: 20,
    max_wal_senders: 20,
    max_connections: 200,
    fsync: fsync ? "on" : "off",
    // In its folder, so that one that was killed leaves nothing in /dev/shm.
    dynamic_shared_memory_type: "mmap",
    ...terms.settings,
  };
  return {
    name,
    packages: ["postgresql", "postgresql-15-wal2json"],
    program: join(postgresPrograms, "postgres"),
    port,
    // SIGTERM would wait for its clients.
    stopSignal: "SIGINT",
    prepare(folder) {
      const data = join(folder, "data");
      if (root) giveTo(folder);
      if (!existsSync(join(data, "PG_VERSION"))) initialize(folder, data);
      const words = Object.entries({ ...settings, unix_socket_directories: folder });
      return ["-D", data, ...words.flatMap(([key, value]) => ["-c", `${key}=${value}`])];
    },
    launch: () => asPostgres(join(postgresPrograms, "postgres")),
    async ready() {
      const at = ["-q", "-h", "127.0.0.1", "-p", String(port), "-t", "2"];
      return (await command(join(postgresPrograms, "pg_isready"), at)).code === 0;
    },
  };
}

/** Starts one for a test file. */
export async function ownPostgres(terms: DatabaseTerms = {}): Promise<OwnDatabases> {
  const port = await freePort();
  const server = await running(postgresAt("postgres", port, terms));
  const name = names();
  const run = (sql: string, database = "postgres"): Promise<string> =>
    printed(
      join(postgresPrograms, "psql"),
      ["-XAtq", "-v", "ON_ERROR_STOP=1", postgresAddress(port, database)],
      sql,
    );
  return {
    server,
    port,
    run,
    async fresh() {
      const database = name();
      await run(`CREATE DATABASE ${database}`);
      return postgresAddress(port, database);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Where a database is, as an administrator. */
function postgresAddress(port: number, database: string): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}`;
}

/** It refuses to run as root: root becomes the user that its package has made. */
const root = process.getuid?.() === 0;

function asPostgres(program: string): readonly [string, ...string[]] {
  return root
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", program]
    : [program];
}

function giveTo(folder: string): void {
  const ids = ["-u", "-g"].map((of) => Number(spawnSync("id", [of, "postgres"]).stdout));
  if (statSync(folder).uid !== ids[0]) chownSync(folder, ids[0]!, ids[1]!);
}

function initialize(folder: string, data: string): void {
  const [program, ...before] = asPostgres(join(postgresPrograms, "initdb"));
  const words = ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale"];
  const { status, stdout, stderr } = spawnSync(program, [...before, ...words, "--no-sync"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status === 0) return;
  const why = root ? "\nits user must be able to reach the folder" : "";
  throw new Error(`initdb could not make ${data}:\n${stdout}${stderr}${why}`);
}
