// `npm run test:mysql [-- OPTION…]`: the tests of the dialect of MySQL, against MySQL itself instead of Debian's MariaDB. Brings it first, for which one must be root.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { mysqlAt } from "./servers/mysql.ts";
import { install } from "./servers/server.ts";
import { tests } from "./steps.ts";

const fileEndsWithinS = 10 * 60;

const problem = install(mysqlAt("mysql", 0));
if (problem === undefined) {
  const command = tests(fileEndsWithinS, 1, ...process.argv.slice(2), "src/store/mysql/*.test.ts");
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...command], {
    cwd: join(import.meta.dirname, ".."),
    stdio: "inherit",
    env: { ...process.env, TRUNKLINE_MYSQL: "mysql" },
  });
  process.exitCode = status ?? 1;
} else {
  console.error(problem);
  process.exitCode = 1;
}
