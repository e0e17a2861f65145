import type { ProtocolCapabilities } from "../protocol.ts";

export const capabilities: ProtocolCapabilities = {
  kinds: ["call", "stream", "upload", "notification"],
  deadline: true,
  cancel: true,
  credit: true,
  ahead: "bytes",
  shared: false,
  whole: false,
  bounds: false,
  described: true,
  executed: true,
  headers: true,
  callback: false,
};
