import type { HttpRequest } from "../../protocol/http/http-server.ts";
import type { HttpAsked } from "./http-route.ts";

/** By what name this gateway is on the way (RFC 9110, 7.6.3). */
const via = "trunkline";

/**
 * Says upstream who asked, and how: `x-forwarded-for`, `-proto`, `-host`, and `via`. What the caller said under these names is
 * replaced, since anybody can write it; only `via` is added to.
 */
export function forwardedHeaders(
  headers: Record<string, string | string[]>,
  { peer, host }: HttpAsked,
  { httpVersion, socket }: HttpRequest,
): void {
  const address = peer.address.replace(/^[a-z+]+:(?:\/\/)?/, "").replace(/:\d+$/, "");
  headers["x-forwarded-for"] = address;
  headers["x-forwarded-proto"] = "encrypted" in socket ? "https" : "http";
  if (host !== undefined) headers["x-forwarded-host"] = host;
  delete headers["forwarded"];
  const before = headers["via"];
  const own = `${httpVersion} ${via}`;
  headers["via"] = before === undefined ? own : `${[before].flat().join(", ")}, ${own}`;
}
