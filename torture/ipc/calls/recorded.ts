import type { Connection, Transport } from "../../../src/transport/transport.ts";
import { unix, type UnixOptions } from "../../../src/transport/unix/index.ts";

/** Unix sockets that remember what was dialled, so that one can see by which way it goes. */
export interface Recorded {
  readonly transport: Transport;
  readonly dialled: readonly Connection[];
  /** Of the last one: `unix` or `shm`. */
  way(): string | undefined;
}

export function recorded(options: UnixOptions): Recorded {
  const transport = unix(options);
  const dialled: Connection[] = [];
  return {
    transport: {
      ...transport,
      dial: async (address, terms, env) => {
        const connection = await transport.dial(address, terms, env);
        dialled.push(connection);
        return connection;
      },
    },
    dialled,
    way: () => dialled.at(-1)?.moves?.way,
  };
}
