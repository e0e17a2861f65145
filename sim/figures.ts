import { statsOf, type OperationStats } from "trunkline";
import type { Entry } from "./ledger.ts";
import type { Scene } from "./scene.ts";
import type { Stage } from "./stage.ts";

/** What clients and servers have counted agrees with what has happened. To be looked at when nothing is under way. */
export function checkFigures({ stage, clients, servers }: Scene): void {
  const entries = [...stage.ledger.entries.values()];
  for (const { env, connected } of clients) {
    if (!env.alive) continue;
    connected.clients.forEach((client, server) => {
      const own = entries
        .slice(connected.from)
        .filter((entry) => entry.env === env && entry.server === server);
      for (const counted of statsOf(client).operations)
        compare(stage, `${env.name} of s${server}`, counted, own);
    });
  }
  for (const { life } of servers) {
    if (life === undefined || life.stoppingAt < Infinity) continue;
    for (const { operation, inFlight, waiting, count } of life.chassis.stats().operations) {
      const member = operation.slice("work.".length);
      const runs = entries
        .filter((entry) => entry.member === member)
        .reduce((sum, entry) => sum + entry.runs.filter(({ env }) => env === life.env).length, 0);
      if (inFlight + waiting > 0 || count < runs)
        stage.ledger.complain(
          `${life.env.name} tells ${count} of ${member}, ${inFlight} in flight, ${waiting} waiting; ${runs} ran`,
        );
    }
  }
}

/** Calls and uploads are counted with the code that their callers saw; of items the reader may have left before the end. */
function compare(
  stage: Stage,
  whose: string,
  { operation, kind, count, inFlight, failures }: OperationStats,
  entries: readonly Entry[],
): void {
  const member = operation.slice("work.".length);
  const own = entries.filter((entry) => entry.member === member);
  const expected = new Map<string, number>();
  for (const { outcome } of own)
    if (outcome !== undefined && !outcome.ok)
      expected.set(outcome.error.code, (expected.get(outcome.error.code) ?? 0) + 1);
  const reads = kind === "stream" || kind === "duplex";
  // A stream of which nothing was asked has not begun.
  const least = reads
    ? own.filter(({ taken, outcome }) => taken > 0 || !outcome!.ok).length
    : own.length;
  const right =
    reads ||
    [...new Set([...expected.keys(), ...Object.keys(failures)])].every(
      (code) => (failures[code] ?? 0) === (expected.get(code) ?? 0),
    );
  if (inFlight > 0 || count > own.length || count < least || !right)
    stage.ledger.complain(
      `${whose} tells ${count} of ${member}, ${inFlight} in flight, ${JSON.stringify(failures)}; ` +
        `there were ${own.length}, ${JSON.stringify(Object.fromEntries(expected))}`,
    );
}
