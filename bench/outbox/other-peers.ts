import { createPool } from "mysql2/promise";
import { mysql } from "trunkline/store/mysql";
import { sqlite } from "trunkline/store/sqlite";
import { userTable, type Peer, type PeerMaker } from "./peer.ts";
import { carried } from "./trunkline.ts";

const connectionsMax = 20;
const insertText = `INSERT INTO ${userTable} (number, item, note) VALUES (?, ?, ?)`;

/** Nobody asks these how many rows there are. */
const uncounted: Pick<Peer, "count" | "clear"> = {
  count: async () => ({ rows: 0, kept: 0 }),
  clear: async () => {},
};

/** Ours in a file of SQLite. */
export const onSqlite: PeerMaker = async (path) => {
  const store = sqlite(path);
  await store.migrate();
  await store.transaction(async ({ native }) =>
    native.exec(
      `CREATE TABLE ${userTable} (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, item TEXT NOT NULL, note TEXT NOT NULL)`,
    ),
  );
  return {
    ...uncounted,
    ...carried(store, { key: true }, (tx, { number, item, note }) => {
      tx.prepare(insertText).run(number, item, note);
    }),
  };
};

/** Ours in MariaDB. */
export const onMariadb: PeerMaker = async (address) => {
  const pool = createPool({ uri: address, connectionLimit: connectionsMax });
  await pool.query(
    `CREATE TABLE ${userTable} (id bigint AUTO_INCREMENT PRIMARY KEY, number int NOT NULL, item text NOT NULL, note text NOT NULL)`,
  );
  const store = mysql(pool);
  await store.migrate();
  return {
    ...uncounted,
    ...carried(store, { key: true }, async (tx, { number, item, note }) => {
      await tx.execute(insertText, [number, item, note]);
    }),
  };
};
