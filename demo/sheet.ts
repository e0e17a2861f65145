import { hash } from "node:crypto";
import type { Leg } from "./contracts/navigator.ts";

/** The text of a log sheet, a line for each flight: what is kept, and what is sealed. */
export function sheetText(legs: readonly Leg[]): string {
  return legs
    .map(
      ({ entry, flight, origin, destination, miles, bearing }) =>
        `${entry} ${flight} ${origin} ${destination} ${miles.toFixed(1)} ${bearing}\n`,
    )
    .join("");
}

export interface Seal {
  readonly digest: string;
  readonly miles: number;
}

/** Reads a sheet: what the flights add up to, and a digest by which any change of it is seen. */
export function sealOf(text: string): Seal {
  let tenths = 0;
  for (const [, miles = "0"] of text.matchAll(/ (\d+\.\d) \d+$/gm))
    tenths += Math.round(Number(miles) * 10);
  return { digest: hash("sha256", text), miles: tenths / 10 };
}
