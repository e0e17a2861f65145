import type { Duration } from "../../base/duration.ts";
import type { SameHostOptions } from "../same-host/index.ts";
import type { Lookup } from "../tcp/lookup.ts";

/** Who we are and whom we trust, as PEM. */
export interface TlsMaterial {
  /** Our certificate, followed by those between it and the authority. A listener needs it; who dials, when the server asks. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string;
  /** The authorities that we trust, instead of those that Node knows. */
  readonly ca?: string;
}

/** The paths of PEM files that hold it. When one changes, new connections are made with what it holds then. */
export type TlsFiles = TlsMaterial;

export interface TlsOptions extends TlsMaterial {
  /** Paths instead of texts, for all three; texts beside it are refused. */
  readonly files?: TlsFiles;
  /** What opens an encrypted `key`. */
  readonly passphrase?: string;
  /**
   * Whether a listener asks its peers for a certificate (mutual TLS): `optional` takes those without one too, `required`
   * does not; a certificate that `ca` does not vouch for is never taken. Both need `ca`. Default `none`.
   */
  readonly clientCertificate?: "none" | "optional" | "required";
  /** The name for which the server's certificate must hold. Default: the host that is dialled. */
  readonly serverName?: string;
  /** The lowest version that is spoken; 1.3 is preferred. Default `TLSv1.2`. */
  readonly versionMin?: "TLSv1.2" | "TLSv1.3";
  /** How long a handshake may take. Default 10 s. */
  readonly handshake?: Duration;
  /** How the name of a host becomes IP addresses, the best first. Default: as the system does it. */
  readonly lookup?: Lookup;
  /**
   * Whether a connection both ends of which are on this host moves to a Unix socket, and from there to shared memory: `auto`, the
   * default, where both processes are of one user and nothing stands between them; `off`, never. Tuning goes in an object. What the
   * certificates have shown stays true, but what is sent is no longer encrypted: it does not leave the host.
   */
  readonly sameHost?: "auto" | "off" | SameHostOptions;
}
