import { systemError, type TrunklineError } from "../base/error.ts";

/** What settles a delivery that is settled already, or is with somebody else; `endpoint`: of the broker, where that has one. */
export function fenced(endpoint?: string): TrunklineError {
  return systemError("UNAVAILABLE", "the message is settled, or belongs to another consumer", {
    executed: "maybe",
    gate: "fenced",
    endpoint,
    advice: "it was, or will be, delivered again",
  });
}
