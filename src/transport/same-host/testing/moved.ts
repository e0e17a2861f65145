import type { Connection, Listener, Transport } from "../../transport.ts";
import type { HostMover } from "../host-mover.ts";

interface Sides {
  dialled?: HostMover;
  accepted?: HostMover;
}

/**
 * A transport over TCP whose connections within this process move at once: each side is told of the other when both are open, as a protocol
 * would by its introduction.
 */
export function moved(transport: Transport): Transport {
  const meeting = new Map<string, Sides>();
  const opened = (connection: Connection, side: keyof Sides): Connection => {
    const moves = connection.moves as HostMover | undefined;
    if (moves === undefined) return connection; // the other end has gone already
    const open = connection.open.bind(connection);
    connection.open = (receiver) => {
      open(receiver);
      const sides = meeting.get(moves.ends) ?? {};
      sides[side] = moves;
      meeting.set(moves.ends, sides);
      const { dialled, accepted } = sides;
      if (dialled === undefined || accepted === undefined) return;
      meeting.delete(moves.ends);
      const { offer } = accepted;
      if (offer !== undefined) dialled.heard(offer);
    };
    return connection;
  };
  return {
    ...transport,
    dial: async (address, options, env) =>
      opened(await transport.dial(address, options, env), "dialled"),
    listen: (address, accept, options, env): Promise<Listener> =>
      transport.listen(
        address,
        (connection) => accept(opened(connection, "accepted")),
        options,
        env,
      ),
  };
}
