import { systemError } from "../../base/error.ts";

/** Checks an address; gives it as the client takes it. */
export function mysqlAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const known = url?.protocol === "mysql:" || url?.protocol === "mariadb:";
  if (url === undefined || !known || url.hostname === "" || url.pathname.length < 2)
    throw systemError("INVALID_ARGUMENT", "this is not the address of a database of MySQL", {
      executed: "no",
      advice: "write mysql://USER:PASSWORD@HOST:3306/DATABASE",
    });
  return `mysql:${address.slice(url.protocol.length)}`;
}

/** Throws for a server that cannot do what is needed: reading past rows that are locked. */
export function checkVersion(text: string): void {
  const [, major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  const mariadb = /mariadb/i.test(text);
  const [a, b, c] = mariadb ? [10, 6, 0] : [8, 0, 11];
  const enough = major !== a ? major > a : minor !== b ? minor > b : patch >= c;
  if (enough) return;
  throw systemError("UNIMPLEMENTED", `the server is ${mariadb ? "MariaDB" : "MySQL"} ${text}`, {
    executed: "no",
    advice: "MySQL 8.0.11 or later, or MariaDB 10.6 or later, is needed",
  });
}
