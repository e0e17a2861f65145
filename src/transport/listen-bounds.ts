import { atLeastOne, outgoingBounds } from "./outgoing-bounds.ts";
import type { ListenOptions } from "./transport.ts";

/** As many as a process may usually have files open, in round numbers. */
const connectionsMaxDefault = 10_000;

/** How many connections a listener takes. Refuses options that no connection could be made with, before it listens. */
export function connectionsMax(options: ListenOptions): number {
  outgoingBounds(options);
  return atLeastOne("connectionsMax", options.connectionsMax ?? connectionsMaxDefault);
}
