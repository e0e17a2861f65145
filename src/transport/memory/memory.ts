import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import { frameBytesLimit } from "../outgoing-bounds.ts";
import type { Connection, DialOptions, Listener, ListenOptions, Transport } from "../transport.ts";
import { connectionPair } from "./memory-connection.ts";

interface Listening {
  readonly accept: (connection: Connection) => void;
  readonly options: ListenOptions;
  readonly env: Env;
  readonly connectionsMax: number;
  connections: number;
}

/** Who listens under which name. Transports that are given the same one reach each other. */
export class MemoryNames {
  readonly #listening: Map<string, Listening> = new Map();

  /** Internal to the memory transport. */
  get listening(): Map<string, Listening> {
    return this.#listening;
  }
}

const processNames = new MemoryNames();

/**
 * Connections within the process: `memory:orders`. Nothing is copied into the kernel and nothing arrives in the turn in
 * which it was sent, so that code behaves as it does over a socket.
 *
 * `names`: who can reach whom. Default: everybody in this process; tests give their own.
 */
export function memory(names: MemoryNames = processNames): Transport {
  const { listening } = names;
  return {
    name: "memory",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: false,
      crossHost: false,
      noticesDeath: true,
    },
    dial: (address, options, env) => dial(listening, address, options, env),
    listen: async (address, accept, options, env) => {
      const bounds = { connectionsMax: connectionsMax(options), connections: 0 };
      return listen(listening, address, { accept, options, env, ...bounds });
    },
  };
}

async function dial(
  names: ReadonlyMap<string, Listening>,
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  if (env.now() >= options.until) {
    throw systemError("UNAVAILABLE", "not connected in time", {
      executed: "no",
      endpoint: address.text,
    });
  }
  await turn(env);
  const listening = names.get(address.place);
  if (listening === undefined) {
    throw systemError("UNAVAILABLE", "nobody listens under this name in this process", {
      executed: "no",
      endpoint: address.text,
      advice: "listen first; memory: does not leave the process, use unix: to reach another one",
    });
  }
  const [dialled, accepted] = connectionPair(
    { address: address.text, options, env },
    { address: address.text, options: listening.options, env: listening.env },
    () => listening.connections--,
  );
  if (++listening.connections > listening.connectionsMax) {
    accepted.destroy("too many connections");
  } else {
    listening.env.yield(() => listening.accept(accepted));
  }
  return dialled;
}

async function listen(
  names: Map<string, Listening>,
  address: Address,
  listening: Listening,
): Promise<Listener> {
  await turn(listening.env);
  if (names.has(address.place)) {
    throw systemError(
      "UNAVAILABLE",
      "the name is in use: somebody in this process listens under it",
      {
        executed: "no",
        endpoint: address.text,
        advice: "close the other listener, or choose another name",
      },
    );
  }
  names.set(address.place, listening);
  return {
    address,
    close: async () => {
      if (names.get(address.place) === listening) names.delete(address.place);
      await turn(listening.env);
    },
  };
}

function turn(env: Env): Promise<void> {
  return new Promise((resolve) => env.yield(resolve));
}
