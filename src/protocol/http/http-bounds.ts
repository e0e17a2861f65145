import { atLeastOne } from "../../transport/outgoing-bounds.ts";
import type { HttpServerOptions } from "./http-server.ts";

/** What an HTTP server lets its peers do, complete and checked: each field is that of `HttpServerOptions`. */
export type HttpBounds = Required<Omit<HttpServerOptions, "connectionsMax">>;

/**
 * Bytes of all requests of a connection that are under way to us. Node takes them off the window as they come, so it bounds no
 * memory (`streamWindowBytes` does), only how much fits into the line: at 100 ms there and back these are 80 MiB/s.
 */
export const connectionWindowBytes: number = 8 * 1024 * 1024;

/** The largest frame that we take. Larger ones cost less each, and others wait for them longer. */
export const frameBytesMax: number = 64 * 1024;

/** Header fields of one request: Node's own bound for HTTP/1.1 is 1,000, and nobody sends so many. */
export const headerFieldsMax: number = 128;

/** Settings in one frame; there are seven. Past it the session ends (CVE-2019-9515 and its like). */
export const settingsMax: number = 32;

/** Frames that make no sense, and streams that were refused, past which a session ends: an honest peer sends none. */
export const invalidFramesMax: number = 100;
export const rejectedStreamsMax: number = 100;

/** Memory of a session in megabytes, past which it gets no new streams: what waits for a peer that does not read. */
export const sessionMegabytesMax: number = 64;

/** With the defaults of `HttpServerOptions`. */
export function httpBounds(options: HttpServerOptions): HttpBounds {
  const { headersMs = 5_000, requestMs = 300_000, idleMs = 75_000 } = options;
  const { headerBytesMax = 16 * 1024, streamsMax = 1_000 } = options;
  const { streamWindowBytes = 256 * 1024, resetsBurst = 2_000, resetsPerSecond = 500 } = options;
  const { keepaliveMs = 10_000, lifetimeMs = 20_000, pingMsMin = 1_000 } = options;
  const bounds = {
    headersMs,
    requestMs,
    idleMs,
    headerBytesMax,
    streamsMax,
    streamWindowBytes,
    resetsBurst,
    resetsPerSecond,
    keepaliveMs,
    lifetimeMs,
    pingMsMin,
  };
  for (const [name, value] of Object.entries(bounds)) atLeastOne(name, value);
  return { ...bounds, settings: options.settings ?? {} };
}
