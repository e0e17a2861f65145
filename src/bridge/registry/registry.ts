import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { serve, type Service } from "../../call/serve.ts";
import { EvidenceExchange } from "../evidence/contract.ts";
import { ExchangeServer } from "../evidence/server.ts";
import { Registry } from "./contract.ts";
import { folderDisk } from "./disk.ts";
import { RegistryServer } from "./server.ts";

export interface RegistryOptions {
  /** The folder in which it keeps what is registered over a restart, one for each registry. Default: it keeps nothing; then everybody registers anew. */
  readonly folder?: string;
  /**
   * How long after its start it tells that it may not know everybody yet, in milliseconds. Who watches keeps those whom it knew
   * before for so long. Default 20,000: leases of up to a minute have been renewed by then.
   */
  readonly settleMs?: number;
  /** Hears what went wrong with the folder; the registry goes on. Default: nobody. */
  readonly onProblem?: (problem: string) => void;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/** A registry, and beside it the exchange by which callers tell each other which endpoints fail; to be served by a chassis. */
export interface RunningRegistry extends AsyncDisposable {
  /** For the `serve` of a chassis. */
  readonly services: readonly Service[];
  /** Registered instances. */
  readonly size: number;
  /**
   * Ends all watches and writes what is not yet written. To be called when the chassis begins to stop, whose drain would wait
   * for the watches: `app.stopping`.
   */
  close(): Promise<void>;
}

/**
 * A registry for a few machines: one process, with leases, watches and a snapshot on the disk. It is not replicated: while it is
 * away nothing new is found, and everything that was found goes on being used. Who needs a replicated one uses etcd or Consul.
 *
 * @throws TrunklineError UNAVAILABLE when its folder cannot be used.
 */
export async function registry(options: RegistryOptions = {}): Promise<RunningRegistry> {
  const { folder, settleMs, onProblem, env = realEnv() } = options;
  const disk = folder === undefined ? undefined : folderDisk(folder);
  const server = await RegistryServer.start({ disk, settleMs, onProblem }, env);
  const exchange = new ExchangeServer(env);
  const close = (): Promise<void> => {
    exchange.close();
    return server.close();
  };
  return {
    services: [
      { ...serve(Registry, server.handlers), own: true },
      { ...serve(EvidenceExchange, exchange.handlers), own: true },
    ],
    get size() {
      return server.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
