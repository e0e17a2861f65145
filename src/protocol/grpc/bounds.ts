import type { HttpServerOptions } from "../http/http-server.ts";
import type { ServeOptions } from "../protocol.ts";
import { headerBytesMax } from "./wire/failure.ts";
import { itemBytesSetting } from "./wire/settings.ts";

/** Streams that may come beyond what is taken on: those are refused in words, by an answer, and not by a lack of room. */
const refusedAtOnce = 1_024;

/** How the HTTP below is bounded. Requests are streams that may last: what bounds them are deadlines, not the arrival of the body. */
export function serverBounds(
  { connectionsMax, setupMs }: ServeOptions,
  inFlightMax: number,
  itemBytesMax: number,
): HttpServerOptions {
  return {
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(setupMs === undefined ? {} : { headersMs: setupMs }),
    requestMs: Infinity,
    streamsMax: inFlightMax + refusedAtOnce,
    // A GET of Connect brings its message in the URL.
    headerBytesMax,
    settings: { [itemBytesSetting]: Math.min(itemBytesMax, 2 ** 32 - 1) },
    streamWindowBytes: Math.min(1024 * 1024, Math.max(64 * 1024, itemBytesMax)),
  };
}
