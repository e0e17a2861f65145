import type { ProtocolCapabilities } from "../../protocol/protocol.ts";

/** Calls of one client that wait for a broker or a reply, past which further ones are refused. */
export const outstandingMaxDefault = 4_096;
/** Requests that one process has under way for one contract; the broker keeps the others. */
export const inFlightMaxDefault = 1_024;
/** The largest input or output in bytes, where the broker takes as much. */
export const itemBytesMaxDefault: number = 4 * 1024 * 1024;

/** What calls by way of a broker can be. Streams would need what a broker has not: a reader that slows its producer down. */
export const brokerCallCapabilities: ProtocolCapabilities = {
  kinds: ["call", "notification"],
  deadline: true,
  cancel: false,
  credit: false,
  ahead: "items",
  shared: false,
  whole: true,
  bounds: false,
  described: false,
  executed: true,
  headers: true,
  callback: false,
};
