import { bytes, call, contract } from "trunkline";
import * as z from "zod";

/** Takes bytes and tells when it had them, by the clock that all processes of a machine have in common. */
export const Receiver = contract(
  "receiver",
  { version: "1.0.0" },
  { receive: call({ in: bytes(), out: z.object({ atMs: z.number(), sum: z.number() }) }) },
);

/** In bytes, on both sides. */
export const itemBytesMax: number = 256 * 1024 * 1024;

/** Milliseconds of that clock. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
