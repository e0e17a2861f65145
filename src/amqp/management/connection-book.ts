import type { Table } from "../../broker/embedded/terms.ts";

/** A channel of a connection, as the management shows it. */
export interface ShownChannel {
  readonly number: number;
  readonly consumers: number;
  /** Delivered and not settled. */
  readonly unsettled: number;
  /** Published and not confirmed. */
  readonly unconfirmed: number;
  /** Of each consumer; 0: without bound. */
  readonly prefetch: number;
  /** Of all consumers of the channel together. */
  readonly globalPrefetch: number;
  readonly confirms: boolean;
  readonly transactional: boolean;
}

/** A connection, as the management shows it. */
export interface ShownConnection {
  /** `127.0.0.1:51234 -> 127.0.0.1:5672`, unlike all others. */
  readonly name: string;
  readonly user: string;
  /** The virtual host. */
  readonly host: string;
  readonly peerHost: string;
  readonly peerPort: number;
  readonly ownHost: string;
  readonly ownPort: number;
  readonly tls: boolean;
  readonly state: "running" | "blocked" | "closing";
  /** In milliseconds since 1970. */
  readonly connectedAt: number;
  readonly frameBytesMax: number;
  readonly channelsMax: number;
  readonly heartbeatSeconds: number;
  readonly clientProperties: Table;
  readonly channels: readonly ShownChannel[];
}

/** Who is connected by AMQP: what a server tells the management. */
export interface ConnectionBook {
  connections(): Iterable<ShownConnection>;
  /** Closes a connection (320 CONNECTION_FORCED) with a reason for its client. False: there is none of that name. */
  close(name: string, reason: string): boolean;
}

/** Nobody is. */
export const nobodyConnected: ConnectionBook = {
  connections: () => [],
  close: () => false,
};
