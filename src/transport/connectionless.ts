import { systemError, type SystemError } from "../base/error.ts";
import { atLeastOne } from "./outgoing-bounds.ts";
import type { Address } from "./address.ts";
import type { Connection, DatagramOptions, Listener, Transport } from "./transport.ts";

/** What a transport without connections says to whoever asks for one: `dial` and `listen` of all of them. */
export const connectionless: Pick<Transport, "dial" | "listen"> = {
  dial: (address): Promise<Connection> => Promise.reject(noConnections(address)),
  listen: (address): Promise<Listener> => Promise.reject(noConnections(address)),
};

function noConnections({ text, transport }: Address): SystemError {
  return systemError("UNIMPLEMENTED", `${transport}: has no connections, only datagrams`, {
    executed: "no",
    endpoint: text,
    advice: "for calls and streams use unix:, tcp: or tls:; notifications go by datagrams too",
  });
}

/** What may wait for room to be sent to one address. */
const waitingMaxDefault = 1_024;

/** The bounds that the options ask for, within what there can be at the address. */
export function datagramBounds(
  { datagramBytesMax = Infinity, waitingMax = waitingMaxDefault }: DatagramOptions,
  bytesMax: number,
): { readonly bytesMax: number; readonly waitingMax: number } {
  return {
    bytesMax: Math.min(atLeastOne("datagramBytesMax", datagramBytesMax), bytesMax),
    waitingMax: atLeastOne("waitingMax", waitingMax),
  };
}

/** Why a datagram is not sent: nothing is cut into fragments, because nobody could tell that one is missing. */
export function tooLarge({ text }: Address, bytes: number, bytesMax: number): SystemError {
  return systemError(
    "RESOURCE_EXHAUSTED",
    `it takes ${bytes} bytes, and a datagram to there may have ${bytesMax}`,
    {
      executed: "no",
      endpoint: text,
      retryAfterMs: "never",
      advice:
        "send less, or where it is; datagrams are not cut into fragments: unix: and tcp: take any size",
    },
  );
}

export function senderClosed({ text }: Address): SystemError {
  return systemError("UNAVAILABLE", "the sender is closed", { executed: "no", endpoint: text });
}

/** `waiting`: how many stood before it. */
export function noRoom({ text }: Address, waiting: number): SystemError {
  return systemError(
    "RESOURCE_EXHAUSTED",
    `there is no room for it (${waiting} more wait): who receives there reads too slowly, or stands still`,
    { executed: "no", endpoint: text, advice: "send less, or look what the receiver does" },
  );
}
