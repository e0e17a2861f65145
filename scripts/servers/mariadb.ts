import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, printed } from "./command.ts";
import { names, type DatabaseTerms, type OwnDatabases } from "./databases.ts";
import { freePort } from "./for-tests.ts";
import { running } from "./running.ts";
import type { Server } from "./server.ts";

/** MariaDB 10.11 with its binlog by rows, as Debian brings it, at 23306; anybody on this machine may in as `root`. */
export const mariadb: Server = mariadbAt("mariadb", 23_306);

/** The same elsewhere. */
function mariadbAt(name: string, port: number, terms: DatabaseTerms = {}): Server {
  const { fsync = true } = terms;
  const settings = {
    "server-id": 1,
    "log-bin": "bin",
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "innodb-buffer-pool-size": "64M",
    "innodb-flush-log-at-trx-commit": fsync ? 1 : 2,
    "sync-binlog": fsync ? 1 : 0,
    ...terms.settings,
  };
  return {
    name,
    packages: ["mariadb-server"],
    program: "mariadbd",
    port,
    prepare(folder) {
      const data = join(folder, "data");
      if (!existsSync(join(data, "mysql"))) initialize(data);
      return [
        // First, or the settings of the package are read.
        "--no-defaults",
        ...asRoot,
        `--datadir=${data}`,
        `--tmpdir=${ownTemporary(data)}`,
        `--socket=${join(folder, "socket")}`,
        `--pid-file=${join(folder, "mariadbd.pid")}`,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
      ];
    },
    async ready() {
      const words = ["--no-defaults", ...at(port), "--connect-timeout=2", "ping"];
      return (await command("mariadb-admin", words)).code === 0;
    },
  };
}

/** Starts one for a test file. */
export async function ownMariadb(terms: DatabaseTerms = {}): Promise<OwnDatabases> {
  const port = await freePort();
  const server = await running(mariadbAt("mariadb", port, terms));
  const name = names();
  const run = (sql: string, database = "mysql"): Promise<string> =>
    printed("mariadb", ["--no-defaults", ...at(port), "-N", "-B", database], sql);
  return {
    server,
    port,
    run,
    async fresh() {
      const database = name();
      await run(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
      return mariadbAddress(port, database);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Where a database is, as an administrator. */
export function mariadbAddress(port: number, database: string): string {
  return `mysql://root@127.0.0.1:${port}/${database}`;
}

/** It runs as root only when it is told to. */
const asRoot: readonly string[] = process.getuid?.() === 0 ? ["--user=root"] : [];

/** What its command line clients are told. */
function at(port: number): string[] {
  return ["-h", "127.0.0.1", "-P", String(port), "-u", "root"];
}

function ownTemporary(data: string): string {
  const folder = join(data, "../tmp");
  mkdirSync(folder, { recursive: true });
  return folder;
}

function initialize(data: string): void {
  const words = ["--no-defaults", ...asRoot, `--datadir=${data}`, "--skip-test-db"];
  const { status, stdout, stderr } = spawnSync(
    "mariadb-install-db",
    [...words, "--auth-root-authentication-method=normal"],
    // Two that are made at once would take each other's temporary tables for their own.
    { encoding: "utf8", env: { ...process.env, TMPDIR: ownTemporary(data) } },
  );
  if (status !== 0)
    throw new Error(`mariadb-install-db could not make ${data}:\n${stdout}${stderr}`);
}
