import { bare, boss, graphile, naive } from "./others.ts";
import { onMariadb, onSqlite } from "./other-peers.ts";
import type { PeerMaker } from "./peer.ts";
import { trunkline } from "./trunkline.ts";

/** All who are measured, by name: on PostgreSQL unless it says otherwise. */
export const peers: Readonly<Record<string, PeerMaker>> = {
  "bare insert": bare,
  "trunkline, by key": trunkline({ key: true }),
  "trunkline, no key": trunkline({ key: false }),
  "trunkline, the user's own transaction": trunkline({ key: true, adopted: true }),
  "trunkline, file: broker": trunkline({ key: true, broker: "file" }),
  "trunkline, one lane stands": trunkline({ key: true, refused: "block" }),
  "trunkline, with inbox": trunkline({ key: true, inbox: true }),
  "pg-boss": boss,
  "graphile-worker": graphile,
  "serial cursor": naive,
  "trunkline on SQLite": onSqlite,
  "trunkline on MariaDB": onMariadb,
};
