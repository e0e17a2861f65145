import type { IncomingHttpHeaders } from "node:http";

/** What concerns one connection and not the next (RFC 9110, 7.6.1; RFC 9113, 8.2.2). */
const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The headers that go on, those that `Connection` names and pseudo-headers left out. The object is new. */
export function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = headers.connection?.toLowerCase().split(/[,\s]+/);
  const kept: Record<string, string | string[]> = {};
  for (const name in headers) {
    if (ofConnection.has(name) || name.charCodeAt(0) === colon || named?.includes(name) === true)
      continue;
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

const colon = 0x3a;

/** What is asked for is another protocol (RFC 9110, 7.8), or a tunnel (RFC 8441). */
export function asksUpgrade(method: string, { connection, upgrade }: IncomingHttpHeaders): boolean {
  if (method === "CONNECT") return true;
  return upgrade !== undefined && /(?:^|[,\s])upgrade(?:$|[,\s])/i.test(connection ?? "");
}
