import { flows, type Flow } from "./items.ts";
import { sizes, type Size } from "./work.ts";

/** What is measured, without how long. */
export type Case =
  | {
      readonly ask: "calls";
      readonly size: Size;
      readonly inFlight: number;
      /** Each call is timed though many are in flight. */
      readonly timed?: boolean;
    }
  /** Calls whose input and answer is one large block. */
  | { readonly ask: "blocks"; readonly mebibytes: number; readonly inFlight: number }
  | { readonly ask: "stream"; readonly flow: Flow }
  /** Items from the caller, and items both ways. */
  | { readonly ask: "upload" | "duplex"; readonly flow: Flow };

export const cases: readonly Case[] = [
  ...(Object.keys(sizes) as Size[]).flatMap((size) =>
    [1, 64].map((inFlight): Case => ({ ask: "calls", size, inFlight })),
  ),
  ...flows.map((flow): Case => ({ ask: "stream", flow })),
];

/** Small calls, as many at once as a busy client makes. */
export const many: Case = { ask: "calls", size: "64 B", inFlight: 64 };

/** The kinds in which the caller sends items. */
export const sendingCases: readonly Case[] = (["upload", "duplex"] as const).flatMap((ask) =>
  flows.map((flow): Case => ({ ask, flow })),
);

const asked = { stream: "streams", upload: "uploads", duplex: "duplexes" } as const;

export function titleOf(each: Case): string {
  if (each.ask === "blocks") return `calls of ${each.mebibytes} MiB, ${each.inFlight} in flight`;
  return each.ask === "calls"
    ? `calls of ${each.size}, ${each.inFlight} in flight`
    : `${asked[each.ask]} of ${each.flow}`;
}
