import { unix } from "../../unix/index.ts";
import type { Connection, Transport } from "../../transport.ts";

/** Unix sockets whose connections move to shared memory at once: each side is told of the other when it opens. */
export function movedUnix(ringBytes: number = 65_536): Transport {
  const transport = unix({ shm: { ringBytes } });
  return {
    ...transport,
    dial: async (address, options, env) => {
      const connection = await transport.dial(address, options, env);
      return moving(connection);
    },
  };
}

/** What its user is given: it hears of the other side's offer when it opens. */
function moving(connection: Connection): Connection {
  const { moves } = connection;
  if (moves === undefined) throw new Error("the connection does not move");
  const open = connection.open.bind(connection);
  connection.open = (receiver) => {
    open(receiver);
    moves.heard(moves.offer!);
  };
  return connection;
}
