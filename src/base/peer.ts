/** Who is at the other end of a connection, as far as the transport can tell. */
export interface Peer {
  /** The address that was dialled or listened on, without credentials. */
  readonly address: string;
  /** True when both ends are known to be on one host. */
  readonly sameHost: boolean;
  /** The process at the other end, where it is known: the child that was started. */
  readonly pid?: number;
}
