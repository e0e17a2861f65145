import { systemError } from "../base/error.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import type { Address } from "../transport/address.ts";
import { memory } from "../transport/memory/index.ts";
import type { Transport } from "../transport/transport.ts";
import { unix } from "../transport/unix/index.ts";

/** The transports that addresses can name. */
const transports: Readonly<Record<string, Transport>> = { memory: memory(), unix: unix() };

/** The protocols that addresses can name, each over a transport. */
const protocols: Readonly<Record<string, (transport: Transport) => Protocol>> = { rsocket };

/** What speaks at an address. Refuses with UNIMPLEMENTED what this version does not have. */
export function protocolAt(address: Address): Protocol {
  const protocol = protocols[address.protocol];
  const transport = transports[address.transport];
  if (protocol !== undefined && transport !== undefined) return protocol(transport);
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
