import { realEnv } from "../../../base/real-env.ts";
import type { Dialect, Store } from "../../store.ts";
import type { StorePart, StoreSubject } from "../../suite.ts";
import { capabilitiesOf } from "../sql-store.ts";

export type Row = Readonly<Record<string, unknown>>;

/** All of the suite where it takes seconds, and where databases have to be made what depends on the client. */
export const partsOn: Readonly<Record<Dialect, readonly StorePart[] | undefined>> = {
  postgres: ["transactions", "writing"],
  mysql: ["transactions", "writing"],
  sqlite: undefined,
};

/** A store over a builder, with the builder itself for its user. */
export interface Opened {
  readonly store: Store;
  /** Runs one statement of the user's own in a transaction. */
  execute(native: unknown, text: string): Promise<readonly Row[]>;
  /** A transaction that the user has begun. */
  readonly own?: (work: (native: unknown) => Promise<void>) => Promise<void>;
  close(): unknown;
}

/** What the suite tries: each store has a builder of its own, as another process would. */
export function subjectOf(
  dialect: Dialect,
  open: (address: string) => Opened,
  fresh: () => Promise<string>,
): StoreSubject {
  return {
    dialect,
    capabilities: capabilitiesOf(dialect),
    env: () => realEnv(),
    stand: async () => {
      const address = await fresh();
      const user = open(address);
      const all = [user];
      return {
        open() {
          const opened = open(address);
          all.push(opened);
          return opened.store;
        },
        execute: (native, text) => user.execute(native, text),
        ...(user.own !== undefined && { own: user.own }),
        close: async () => void (await Promise.all(all.map((each) => each.close()))),
      };
    },
  };
}
