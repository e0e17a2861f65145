/** Who is at the other end of a connection, as far as the transport can tell. */
export interface Peer {
  /** The address that was dialled or, of a peer that has dialled us, the one it comes from or came to; no credentials. */
  readonly address: string;
  /** True when both ends are known to be on one host. */
  readonly sameHost: boolean;
  /** The process at the other end: the child that was started, the parent that did it, who connected a Unix socket, or who has sent a datagram. */
  readonly pid?: number | undefined;
  /** The user, by number, as which that process connected a Unix socket, listened, or has sent a datagram; only where the system tells. */
  readonly uid?: number | undefined;
  /** Its group, likewise. */
  readonly gid?: number | undefined;
  /** The thread at the other end, of this process. */
  readonly threadId?: number;
  /** The certificate with which the peer has shown who it is; only when it was verified. */
  readonly certificate?: PeerCertificate;
}

/** What a verified certificate says of its owner. */
export interface PeerCertificate {
  /** The distinguished name, on one line: `CN=orders, O=Example`. */
  readonly subject: string;
  /** For whom else it holds, each with its kind: `DNS:orders.internal`, `IP Address:10.0.0.7`, `URI:spiffe://…`. */
  readonly subjectAltNames: readonly string[];
  /** SHA-256 of the whole certificate, in hexadecimal digits with colons. */
  readonly fingerprint256: string;
}
