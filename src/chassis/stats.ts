import type { AdmissionStats } from "../call/load/load-gate.ts";
import type { OperationStats } from "../call/meter.ts";
import type { ConsumerStats } from "../messaging/consumer-terms.ts";
import type { RelayStats } from "../messaging/outbox/relay.ts";
import type { CallerState, DatagramCounts } from "../protocol/protocol.ts";
import type { RegistrationStats } from "./registration.ts";

/** What became of what a process serves, since it began. Counted always; asking costs, serving hardly. */
export interface ChassisStats {
  readonly name: string;
  readonly instance: string;
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** Requests under way, Trunkline's own services among them. */
  readonly inFlight: number;
  readonly addresses: readonly AddressStats[];
  /** What the process takes on at once; undefined when `admission` is false. */
  readonly admission?: AdmissionStats | undefined;
  /** Where it is registered; undefined when it is not to be. */
  readonly registration?: RegistrationStats | undefined;
  /** Of the services given, in their order; Trunkline's own are not counted. */
  readonly operations: readonly OperationStats[];
  /** What became of the messages that it consumes; undefined when it consumes none. */
  readonly consumers?: readonly ConsumerStats[] | undefined;
  /** What it published from the outboxes of databases; undefined when it publishes from none. */
  readonly outboxes?: readonly RelayStats[] | undefined;
}

export interface AddressStats {
  /** Where it listens in truth. */
  readonly address: string;
  readonly connections: number;
  /** How many of them each way carries at the moment: `tcp`, `unix`, `shm`. Undefined where connections do not move. */
  readonly ways?: Readonly<Record<string, number>> | undefined;
  /** Of those that were to move to a faster way, how many could not: they are slower, and work as well. */
  readonly stayed?: number | undefined;
  /** Requests under way on all its connections. */
  readonly inFlight: number;
  /** What became of the datagrams that came; undefined where there are none. */
  readonly datagrams?: DatagramCounts | undefined;
}

/** What became of what a client asked for, since it was made. */
export interface ClientStats {
  readonly endpoint: string;
  readonly state: CallerState;
  /** Requests to this endpoint that wait for a connection, those of clients that share it among them. */
  readonly waiting: number;
  readonly operations: readonly OperationStats[];
}
