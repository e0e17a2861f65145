import { systemError, type TrunklineError } from "../base/error.ts";
import type { Store } from "../store/store.ts";
import { conceal } from "./registries.ts";

/** What may be asked of a store that an address names. */
export interface StoreAtOptions {
  /** To follow the log of the database, where it has one that can be. */
  readonly tailing?: boolean;
}

/** A make of database that an address can name; loaded when one does. */
interface Row {
  readonly example: string;
  /** The library that it needs from the start, where it is not a part of ours. */
  readonly peer?: string;
  readonly open: (address: string, options: StoreAtOptions) => Promise<Store>;
}

const postgres: Row = {
  example: "postgres://user@host/database",
  open: async (address, { tailing = false }) =>
    (await import("../store/postgres/index.ts")).postgres(address, { tailing }),
};

const mysql: Row = {
  example: "mysql://user@host/database",
  peer: "mysql2",
  open: async (address) => (await import("../store/mysql/index.ts")).mysql(address),
};

/** The makes of databases, by the schemes of their addresses. */
const rows: Readonly<Record<string, Row>> = {
  mariadb: mysql,
  mysql,
  postgres,
  postgresql: postgres,
  sqlite: {
    example: "sqlite:./data.db",
    open: async (address) =>
      (await import("../store/sqlite/index.ts")).sqlite(address.slice("sqlite:".length)),
  },
};

/** The store at an address. @throws TrunklineError INVALID_ARGUMENT for one that names no database, UNIMPLEMENTED when its library is missing. */
export async function storeAt(address: string, options: StoreAtOptions = {}): Promise<Store> {
  const [, scheme = ""] = /^([a-z]+):/.exec(address) ?? [];
  const row = Object.hasOwn(rows, scheme) ? rows[scheme] : undefined;
  if (row === undefined) throw unknownStore(address);
  try {
    return await row.open(address, options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND" || row.peer === undefined)
      throw cause;
    throw systemError("UNIMPLEMENTED", `${conceal(address)} needs ${row.peer}`, {
      executed: "no",
      advice: `npm i ${row.peer}`,
      cause,
    });
  }
}

function unknownStore(address: string): TrunklineError {
  const examples = new Set(Object.values(rows).map(({ example }) => example));
  return systemError("INVALID_ARGUMENT", `${conceal(address)} is the address of no database`, {
    executed: "no",
    advice: `as in ${[...examples].join(", ")}`,
  });
}
