import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { command, printed } from "./command.ts";
import { names, type DatabaseTerms, type OwnDatabases } from "./databases.ts";
import { freePort } from "./for-tests.ts";
import { mariadbAddress } from "./mariadb.ts";
import { newerDebian } from "./newer-debian.ts";
import { running } from "./running.ts";
import type { Server } from "./server.ts";

const { enter, bring } = newerDebian("mysql", ["mysql-server-core", "mysql-client-core"]);

/** MySQL 9.7, in a root of its own beside the system. Only root can bring and start it; nothing does so unasked. */
export function mysqlAt(name: string, port: number, terms: DatabaseTerms = {}): Server {
  const { fsync = true } = terms;
  const settings = {
    "server-id": 1,
    "log-bin": "bin",
    "binlog-row-metadata": "FULL",
    "innodb-buffer-pool-size": "64M",
    "innodb-flush-log-at-trx-commit": fsync ? 1 : 2,
    "sync-binlog": fsync ? 1 : 0,
    mysqlx: "OFF",
    // Debian's has a folder for it, which is not there.
    "secure-file-priv": "NULL",
    ...terms.settings,
  };
  return {
    name,
    packages: ["debootstrap"],
    program: enter,
    bring,
    port,
    readyWithinMs: 60_000,
    prepare(folder) {
      const data = join(folder, "data");
      if (!existsSync(join(data, "mysql"))) initialize(data);
      return [
        "/usr/sbin/mysqld",
        ...["--no-defaults", "--user=root", `--datadir=${data}`],
        `--socket=${join(folder, "socket")}`,
        `--pid-file=${join(folder, "mysqld.pid")}`,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
      ];
    },
    async ready() {
      const words = ["--no-defaults", ...at(port), "--connect-timeout=2", "ping"];
      return (await command(enter, ["/usr/bin/mysqladmin", ...words])).code === 0;
    },
  };
}

/** Starts one for a test file. */
export async function ownMysql(terms: DatabaseTerms = {}): Promise<OwnDatabases> {
  const port = await freePort();
  const server = await running(mysqlAt("mysql", port, terms));
  const name = names();
  const words = ["/usr/bin/mysql", "--no-defaults", ...at(port), "-N", "-B"];
  const run = (sql: string, database = "mysql"): Promise<string> =>
    printed(enter, [...words, database], sql);
  return {
    server,
    port,
    run,
    async fresh() {
      const database = name();
      await run(`CREATE DATABASE ${database}`);
      return mariadbAddress(port, database);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function at(port: number): string[] {
  return ["-h", "127.0.0.1", "-P", String(port), "-u", "root"];
}

function initialize(data: string): void {
  const words = ["--no-defaults", "--initialize-insecure", "--user=root", `--datadir=${data}`];
  const { status, stdout, stderr } = spawnSync(enter, ["/usr/sbin/mysqld", ...words], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`mysqld could not make ${data}:\n${stdout}${stderr}`);
}
