import type { ErrorDetails, TrunklineError } from "../base/error.ts";

/** The longest that a server can ask its callers to wait, in milliseconds: a day. What asks for more asks for this. */
export const retryAfterMsMax: number = 24 * 60 * 60 * 1_000;

/** The longest name of a gate that is read of a peer, in characters. */
const gateCharsMax = 64;

type RetryAfter = TrunklineError["retryAfterMs"];

/** When it is worth trying again, as a peer says it: milliseconds, or `never`; undefined where that is neither. */
export function pushbackIn(told: unknown): RetryAfter {
  if (told === "never") return told;
  if (typeof told !== "number" || !(told >= 0)) return undefined;
  return Math.min(retryAfterMsMax, told);
}

/** The gate of a peer that has refused. It speaks of the endpoint then: none of our own gates was asked. */
export function gateIn(told: unknown): Pick<ErrorDetails, "gate" | "endpointFault"> {
  if (typeof told !== "string" || told === "") return {};
  return { gate: told.slice(0, gateCharsMax), endpointFault: true };
}

/** Milliseconds as texts carry them; `never` is what the protocol says for it. */
export function pushbackText(retryAfterMs: RetryAfter, never: string): string | undefined {
  if (retryAfterMs === undefined) return undefined;
  return retryAfterMs === "never" ? never : String(Math.ceil(retryAfterMs));
}

/** Reads `pushbackText`. */
export function pushbackOfText(text: string | undefined, never: string): RetryAfter {
  if (text === undefined) return undefined;
  if (text === never) return "never";
  return /^\d{1,15}$/.test(text) ? pushbackIn(Number(text)) : undefined;
}

/** `Retry-After` (RFC 9110, 10.2.3): whole seconds, or an instant; undefined where it is neither. */
export function retryAfterIn(header: string | undefined, wallMs: number): RetryAfter {
  if (header === undefined) return undefined;
  if (/^\d{1,12}$/.test(header)) return pushbackIn(Number(header) * 1_000);
  // All three forms of an instant begin with the day (RFC 9110, 5.6.7); `Date.parse` reads much else.
  const at = /^[A-Z][a-z]+[ ,]/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : pushbackIn(Math.max(0, at - wallMs));
}
