import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { mysqlAddress } from "./address.ts";
import { checkPacket, checkVersion } from "./server-limits.ts";

suite("what a server of MySQL must be able to do", () => {
  const fit = ["8.0.11", "8.0.36-28", "8.4.2", "9.7.4-2", "8.0.mysql_aurora.3.02.0"];
  const mariadb = ["10.6.0-MariaDB", "10.11.19-MariaDB-0+deb12u1-log", "11.8.2-MariaDB"];
  for (const version of [...fit, ...mariadb])
    test(`${version} will do`, () => checkVersion(version));

  for (const version of ["5.7.44", "8.0.4-rc", "10.5.23-MariaDB-log", "5.5.5-10.4.1-MariaDB", "?"])
    test(`${version} will not, and it is said which will`, () => {
      assert.throws(() => checkVersion(version), {
        code: "UNIMPLEMENTED",
        executed: "no",
        advice: /MySQL 8\.0\.11 or later, or MariaDB 10\.6 or later/,
      });
    });

  test("a statement is refused that the server would not take, by its bytes and not its characters", () => {
    checkPacket("ä".repeat(49), 100);
    assert.throws(() => checkPacket("ä".repeat(50), 100), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      advice: /max_allowed_packet/,
    });
  });
});

suite("the address of a database of MySQL", () => {
  test("is given to the client as it is, by either name", () => {
    assert.equal(mysqlAddress("mysql://u:p%40@host:1/shop"), "mysql://u:p%40@host:1/shop");
    assert.equal(mysqlAddress("mariadb://host/shop"), "mysql://host/shop");
  });

  for (const wrong of [
    "",
    "shop",
    "postgres://host/shop",
    "mysql://host",
    "mysql://host/",
    "mysql:shop",
  ])
    test(`is not ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => mysqlAddress(wrong), {
        code: "INVALID_ARGUMENT",
        executed: "no",
        advice: /mysql:\/\/USER:PASSWORD@HOST/,
      });
    });
});
