import { serve, type Service } from "../../../call/serve.ts";
import { client } from "../../../chassis/client.ts";
import type { Transport } from "../../../transport/transport.ts";
import { Pings, type Ping } from "./contract.ts";

/** One that is sent first, of each make. */
const firsts: Readonly<Record<Ping, unknown>> = {
  bytes: Buffer.alloc(64, 7),
  number: 7,
  nothing: undefined,
};

/** Sends what came, or a first one. */
export type SendPing = (came?: unknown) => Promise<void>;

/** What sends pings of that make to an address. */
export function pingsTo(address: string, ping: Ping, transports: readonly Transport[]): SendPing {
  const send = client(Pings, address, { transports, checkSent: false })[ping];
  return (came = firsts[ping]) => (send as (given: unknown) => Promise<void>)(came);
}

/** What hears pings, of every make. */
export function pingsHeard(came: (ping?: unknown) => unknown): Service {
  const heard = async (ping?: unknown): Promise<void> => void (await came(ping));
  return serve(Pings, { bytes: heard, number: heard, nothing: () => heard() });
}
