import type { SameHostSettings } from "../same-host/index.ts";
import type { Lookup } from "../tcp/lookup.ts";
import type { Material } from "./material.ts";

/** What `tls()` was made with, complete and checked. */
export interface Settings {
  readonly material: Material;
  readonly clientCertificate: "none" | "optional" | "required";
  readonly serverName: string | undefined;
  readonly handshakeMs: number;
  readonly lookup: Lookup;
  /** Undefined: no connection moves. */
  readonly sameHost: SameHostSettings | undefined;
}
