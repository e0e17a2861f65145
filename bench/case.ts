import { flows, type Flow } from "./items.ts";
import { sizes, type Size } from "./work.ts";

/** What is measured, without how long. */
export type Case =
  | { readonly ask: "calls"; readonly size: Size; readonly inFlight: number }
  | { readonly ask: "stream"; readonly flow: Flow };

export const cases: readonly Case[] = [
  ...(Object.keys(sizes) as Size[]).flatMap((size) =>
    [1, 64].map((inFlight): Case => ({ ask: "calls", size, inFlight })),
  ),
  ...flows.map((flow): Case => ({ ask: "stream", flow })),
];

/** Small calls, as many at once as a busy client makes. */
export const many: Case = { ask: "calls", size: "64 B", inFlight: 64 };

export function titleOf(each: Case): string {
  return each.ask === "calls"
    ? `calls of ${each.size}, ${each.inFlight} in flight`
    : `streams of ${each.flow}`;
}
