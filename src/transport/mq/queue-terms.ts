import { systemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { queueLimits } from "./limits.ts";

/** The bounds that a queue is made with. */
export interface QueueTerms {
  readonly messages: number;
  readonly bytes: number;
}

/** What systems allow that nobody has told otherwise. */
export const bytesMaxDefault = 8_192;
const messagesMaxDefault = 10;

/** The bounds that an address asks for, or those that every system allows, or as much less as this one does. */
export function queueTerms(address: Address): QueueTerms {
  const limits = queueLimits();
  const asked = (name: "messages" | "bytes"): number | undefined => {
    const text = address.parameters?.[name];
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw systemError("INVALID_ARGUMENT", `${address.text}: ${name} is a number from 1 on`, {
      executed: "no",
    });
  };
  return {
    messages: asked("messages") ?? Math.min(messagesMaxDefault, limits.messagesMax ?? Infinity),
    bytes: asked("bytes") ?? Math.min(bytesMaxDefault, limits.bytesMax ?? Infinity),
  };
}
