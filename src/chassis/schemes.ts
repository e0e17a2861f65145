import { systemError } from "../base/error.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import type { Address } from "../transport/address.ts";
import { memory } from "../transport/memory/index.ts";
import { stdio } from "../transport/stdio/index.ts";
import { tcp } from "../transport/tcp/index.ts";
import { tls } from "../transport/tls/index.ts";
import type { Transport } from "../transport/transport.ts";
import { unix } from "../transport/unix/index.ts";
import { worker } from "../transport/worker/index.ts";

/** The transports that addresses can name. */
const transports: Readonly<Record<string, Transport>> = {
  memory: memory(),
  unix: unix(),
  stdio: stdio(),
  tcp: tcp(),
  tls: tls(),
  worker: worker(),
};

/** The protocols that addresses can name, each over a transport. */
const protocols: Readonly<Record<string, (transport: Transport) => Protocol>> = { rsocket };

/** A protocol that speaks at an address, and the transport that carries it there. */
export interface Way {
  readonly protocol: Protocol;
  readonly transport: Transport;
}

/**
 * What speaks at an address. `others` come before the transports of this version that have the same name. Refuses with
 * UNIMPLEMENTED what there is not.
 */
export function wayTo(address: Address, others: readonly Transport[] = []): Way {
  const protocol = protocols[address.protocol];
  const transport =
    others.find(({ name }) => name === address.transport) ?? transports[address.transport];
  if (protocol !== undefined && transport !== undefined) {
    return { protocol: protocol(transport), transport };
  }
  const missing =
    protocol === undefined
      ? `the protocol ${address.protocol}`
      : `the transport ${address.transport}`;
  throw systemError("UNIMPLEMENTED", `${address.text}: this version does not have ${missing}`, {
    executed: "no",
    advice: `use one of ${Object.keys(transports)
      .map((name) => `${name}:`)
      .join(", ")}`,
  });
}
