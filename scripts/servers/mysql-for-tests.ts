import type { DatabaseTerms, OwnDatabases } from "./databases.ts";
import { missing } from "./for-tests.ts";
import { mariadb, ownMariadb } from "./mariadb.ts";
import { mysqlAt, ownMysql } from "./mysql.ts";

/** What `npm run test:mysql` sets to `mysql`: the same tests, against MySQL itself. */
const mysql = process.env["TRUNKLINE_MYSQL"] === "mysql";

/** Why tests of the dialect of MySQL are skipped; undefined: their server is there. */
export function missingMysql(): string | undefined {
  return missing(mysql ? mysqlAt("mysql", 0) : mariadb);
}

/** The server that these tests are run against: Debian's MariaDB, unless MySQL is asked for. */
export function mysqlUnderTest(terms?: DatabaseTerms): Promise<OwnDatabases> {
  return mysql ? ownMysql(terms) : ownMariadb(terms);
}
