import type { Peer } from "../../base/peer.ts";
import type { KeyOptions } from "../options.ts";

/** What a request can be told apart by. */
export interface Asker {
  readonly peer: Peer;
  readonly headers: Readonly<Record<string, string>>;
  /** As `authorize` names it. */
  readonly caller: string | undefined;
}

/** What the request has in common with others; undefined where it does not say. */
export function keyOf(by: KeyOptions, { peer, headers, caller }: Asker): string | undefined {
  if (by === "all") return "";
  if (by === "caller") return caller;
  if (by === "peer") return hostOfPeer(peer);
  if ("header" in by) return headers[by.header];
  return cookieIn(headers["cookie"], by.cookie);
}

/** Connections of one host are one asker; on the same host, those of one user are. */
function hostOfPeer({ address, uid }: Peer): string {
  if (uid !== undefined) return `uid ${uid}`;
  return address.replace(/^[a-z+]+:\/\//, "").replace(/:\d+$/, "");
}

/** The first cookie of that name (RFC 6265, 5.4). */
function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** True when every header has the value that it must have. */
export function matchHeaders(
  wanted: readonly (readonly [name: string, value: string | true])[],
  headers: Readonly<Record<string, string>>,
): boolean {
  return wanted.every(([name, value]) => {
    const given = headers[name];
    return given !== undefined && (value === true || value === given);
  });
}
