import { join } from "node:path";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { mariadb, ownMariadb } from "../../scripts/servers/mariadb.ts";
import { programOf } from "../../scripts/servers/server.ts";
import { withFolder, type BenchOptions } from "../report.ts";
import { rowOf, startPeer, type Measured, type Row } from "./measured.ts";

const count = 3_000;
const quickCount = 200;
const publishers = 16;

/** Ours on the other databases, alone: how many go from a transaction to the handler. */
export async function otherStores(
  postgres: OwnDatabases,
  options: BenchOptions,
): Promise<{ rows: Row[] }> {
  return withFolder(async (folder) => {
    const found = programOf(mariadb) !== undefined;
    await using server = found ? await ownMariadb({}) : undefined;
    const places: [string, string][] = [
      ["trunkline, by key", await postgres.fresh()],
      ["trunkline on SQLite", join(folder, "bench.db")],
      ...(server === undefined
        ? []
        : [["trunkline on MariaDB", await server.fresh()] as [string, string]]),
    ];
    const rows: Row[] = [];
    for (const [peer, address] of places) {
      const measured: Measured = {
        peer,
        case: "published and handled, one database after the other",
        rounds: [],
        failed: "",
      };
      const child = await startPeer(peer, address, options);
      try {
        await child.ask({ ask: "consume" });
        for (let round = options.quick ? 1 : 0; round <= options.rounds; round++) {
          options.progress(`round ${round} of ${options.rounds}: ${peer}`);
          const messages = options.quick ? quickCount : count;
          const told = await child.ask({
            ask: "through",
            connections: publishers,
            count: messages,
          });
          if (told.lost + told.doubled > 0)
            measured.failed = `${told.lost} lost, ${told.doubled} doubled`;
          if (round > 0) measured.rounds.push(told);
        }
        await child.ask({ ask: "end" });
      } finally {
        await child.end();
      }
      rows.push(rowOf(measured, "handled"));
    }
    return { rows };
  });
}
