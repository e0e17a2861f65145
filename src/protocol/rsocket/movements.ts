import { channels, type ConnectionEvent } from "../../base/diagnostics.ts";
import type { Connection } from "../../transport/transport.ts";
import type { Session } from "./session.ts";

/** Tells on the channel of connections where this one moves. */
export function tellMoves(
  side: "client" | "server",
  endpoint: string,
  { moves }: Connection,
): void {
  if (moves === undefined) return;
  moves.onMoved = () => {
    if (!channels.connection.hasSubscribers) return;
    const { way, stayed: reason } = moves;
    const event: ConnectionEvent =
      reason === undefined
        ? { side, endpoint, state: "moved", way }
        : { side, endpoint, state: "stayed", reason };
    channels.connection.publish(event);
  };
}

/** How many of them each way carries; those that cannot move are carried by their transport. */
export function waysOf(sessions: Iterable<Session>, transport: string): Record<string, number> {
  const ways: Record<string, number> = {};
  for (const { connection } of sessions) {
    const way = connection.moves?.way ?? transport;
    ways[way] = (ways[way] ?? 0) + 1;
  }
  return ways;
}

/** How many of them were to move and did not. */
export function stayedOf(sessions: Iterable<Session>): number {
  let count = 0;
  for (const { connection } of sessions) if (connection.moves?.stayed !== undefined) count++;
  return count;
}
