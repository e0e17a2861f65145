import type { MessagePort } from "node:worker_threads";
import type { Wire } from "./wire.ts";

/** Bytes that may lie unread between two threads: a port itself would take any number. */
const windowBytes = 1024 * 1024;

/** Read bytes after which the other side is told. */
const creditBytes = windowBytes / 4;

/** A message port: bytes are transferred, numbers say how many were read. */
export function portWire(port: MessagePort): Wire {
  let unread = 0;
  let read = 0;
  let more: () => void = () => {};
  return {
    read(taken) {
      port.on("message", (message: ArrayBuffer | number) => {
        if (typeof message === "number") {
          const full = unread >= windowBytes;
          unread -= message;
          if (full && unread < windowBytes) more();
          return;
        }
        taken(Buffer.from(message));
        read += message.byteLength;
        if (read < creditBytes) return;
        port.postMessage(read);
        read = 0;
      });
    },
    write(bytes) {
      const copy = Buffer.allocUnsafeSlow(bytes.length);
      copy.set(bytes);
      port.postMessage(copy.buffer, [copy.buffer]);
      unread += bytes.length;
      return unread < windowBytes;
    },
    drained: (then) => void (more = then),
  };
}
