import { systemError } from "../base/error.ts";
import { tcp } from "../transport/tcp/index.ts";
import { tls } from "../transport/tls/index.ts";
import type { Transport } from "../transport/transport.ts";

/** What of the options decides whether connections of one host leave TCP. */
export interface SameHostChoice {
  readonly sameHost?: "auto" | "off";
  readonly transports?: readonly Transport[];
}

const staying: readonly Transport[] = [tcp({ sameHost: "off" }), tls({ sameHost: "off" })];

/** The same list for the same one given: clients share what is alike. */
const stayingBeside = new WeakMap<readonly Transport[], readonly Transport[]>();

/** The options with transports that do as `sameHost` says; those given come first, for they have options of their own. */
export function withSameHost<O extends SameHostChoice>(options: O): O {
  const { sameHost = "auto", transports } = options;
  if (sameHost === "auto") return options;
  if (sameHost !== "off") {
    throw systemError("INVALID_ARGUMENT", `sameHost is ${String(sameHost)}`, {
      executed: "no",
      advice: 'give "auto" or "off"; tcp({ sameHost: … }) takes more',
    });
  }
  if (transports === undefined) return { ...options, transports: staying };
  const known = stayingBeside.get(transports) ?? [...transports, ...staying];
  stayingBeside.set(transports, known);
  return { ...options, transports: known };
}
