import { channels, type ConnectionEvent } from "../../base/diagnostics.ts";
import type { ConnectionWay } from "../protocol.ts";
import type { Connection } from "../../transport/transport.ts";
import type { Session } from "./session.ts";

type Side = ConnectionEvent["side"];

/** The numbers of those that have been told of. */
const numbers = new WeakMap<Connection, number>();
let numbered = 0;

/** Tells on the channel of connections what becomes of this one; once it has closed, nothing more. */
export function tellConnection(
  connection: Connection,
  side: Side,
  endpoint: string,
  what: Pick<ConnectionEvent, "state" | "reason" | "way">,
): void {
  // A move may end what it moves, when the peer's end comes by the new way.
  if (what.state === "closed" && connection.moves !== undefined)
    connection.moves.onMoved = undefined;
  if (!channels.connection.hasSubscribers) return;
  const number = numbers.get(connection) ?? ++numbered;
  numbers.set(connection, number);
  const event: ConnectionEvent = { side, endpoint, connection: number, ...what };
  channels.connection.publish(event);
}

/** Tells there where this one moves. */
export function tellMoves(connection: Connection, side: Side, endpoint: string): void {
  const { moves } = connection;
  if (moves === undefined) return;
  moves.onMoved = () => {
    const { way, stayed: reason } = moves;
    const what =
      reason === undefined
        ? ({ state: "moved", way } as const)
        : ({ state: "stayed", reason } as const);
    tellConnection(connection, side, endpoint, what);
  };
}

/** By what one goes; one that cannot move, by its transport. */
export function wayOf({ moves }: Connection, transport: string): ConnectionWay {
  const { way: name = transport, moving = false, stayed } = moves ?? {};
  return { name, moving, stayed };
}

/** How many of them each way carries; those that cannot move are carried by their transport. */
export function waysOf(sessions: Iterable<Session>, transport: string): Record<string, number> {
  const ways: Record<string, number> = {};
  for (const { connection } of sessions) {
    const { name } = wayOf(connection, transport);
    ways[name] = (ways[name] ?? 0) + 1;
  }
  return ways;
}

/** How many of them were to move and did not. */
export function stayedOf(sessions: Iterable<Session>): number {
  let count = 0;
  for (const { connection } of sessions) if (connection.moves?.stayed !== undefined) count++;
  return count;
}
