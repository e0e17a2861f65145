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
