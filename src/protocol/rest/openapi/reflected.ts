import type { Dispatcher, ServedOperation } from "../../protocol.ts";

/** The operation by which a process describes itself; undefined: it does not, to who comes this way. */
export function reflectionOf(dispatcher: Dispatcher): ServedOperation | undefined {
  return dispatcher.find("trunkline-reflection", undefined, "describe");
}
