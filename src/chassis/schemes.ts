import { systemError, type SystemError } from "../base/error.ts";
import type { ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { datagram } from "../protocol/datagram/index.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { signal as signalProtocol } from "../protocol/signal/index.ts";
import type { Address } from "../transport/address.ts";
import { fifo } from "../transport/fifo/index.ts";
import { memory } from "../transport/memory/index.ts";
import { mq } from "../transport/mq/index.ts";
import { multicast } from "../transport/multicast/index.ts";
import { signal } from "../transport/signal/index.ts";
import { stdio } from "../transport/stdio/index.ts";
import { tcp } from "../transport/tcp/index.ts";
import { tls } from "../transport/tls/index.ts";
import type { Transport } from "../transport/transport.ts";
import { udp } from "../transport/udp/index.ts";
import { unix } from "../transport/unix/index.ts";
import { unixgram } from "../transport/unixgram/index.ts";
import { unixpacket } from "../transport/unixpacket/index.ts";
import { worker } from "../transport/worker/index.ts";

/** The transports that addresses can name. */
const transports: Readonly<Record<string, Transport>> = {
  memory: memory(),
  unix: unix(),
  unixgram: unixgram(),
  fifo: fifo(),
  mq: mq(),
  udp: udp(),
  "udp+multicast": multicast(),
  signal: signal(),
  stdio: stdio(),
  tcp: tcp(),
  tls: tls(),
  unixpacket: unixpacket(),
  worker: worker(),
};

/** The protocols that are always there. */
const own: readonly ProtocolFactory[] = [
  { name: "rsocket", over: rsocket },
  datagram(),
  signalProtocol(),
];

/** The protocols that are loaded when an address names them: most processes need none of them. */
const late: Readonly<Record<string, () => Promise<ProtocolFactory>>> = {
  connect: async () => (await import("../protocol/connect/index.ts")).connect(),
  grpc: async () => (await import("../protocol/grpc/index.ts")).grpc(),
  rest: async () => (await import("../protocol/rest/index.ts")).rest(),
};

/** What the user gave beside what this version has; what has the name of a built-in one comes before it. */
export interface Given {
  readonly transports?: readonly Transport[] | undefined;
  readonly protocols?: readonly ProtocolFactory[] | undefined;
}

/** A protocol that speaks at an address, and the transport that carries it there. */
export interface Way {
  /** Undefined: it has to be loaded first, by `load`. */
  readonly protocol: Protocol | undefined;
  readonly transport: Transport;
  readonly load: () => Promise<Protocol>;
}

/** What speaks at an address. Refuses with UNIMPLEMENTED what there is not. */
export function wayTo(address: Address, given: Given = {}): Way {
  const transport =
    given.transports?.find(({ name }) => name === address.transport) ??
    transports[address.transport];
  if (transport === undefined) throw missing(address, `the transport ${address.transport}`);
  const named = [...(given.protocols ?? []), ...own].find(({ name }) => name === address.protocol);
  if (named !== undefined) {
    const protocol = named.over(transport);
    return { protocol, transport, load: () => Promise.resolve(protocol) };
  }
  const load = late[address.protocol];
  if (load === undefined) throw missing(address, `the protocol ${address.protocol}`);
  return { protocol: undefined, transport, load: async () => (await load()).over(transport) };
}

function missing(address: Address, what: string): SystemError {
  const names = Object.keys(transports).map((name) => `${name}:`);
  return systemError("UNIMPLEMENTED", `${address.text}: this version does not have ${what}`, {
    executed: "no",
    advice: `use one of ${names.join(", ")}`,
  });
}
