import type { Transport } from "../transport/transport.ts";
import type { Address } from "../transport/address.ts";
import type { Protocol } from "./protocol.ts";

/** A protocol with its options, before it is joined to the transport that an address names. */
export interface ProtocolFactory {
  /** The name in addresses: `rest`. */
  readonly name: string;
  /** Throws UNIMPLEMENTED when the protocol cannot speak over this transport. */
  over(transport: Transport): Protocol;
}

/** A place in somebody else's server (Fastify, Express, Hono) where a protocol serves: it listens nowhere itself. */
export interface Mount {
  /** For people: `rest in another server`. */
  readonly address: Address;
  /** Its `serve` takes the address above, and can be called once. */
  readonly protocol: Protocol;
}
