import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Listed } from "./sample.ts";

/** As the demo's contract says it. */
const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
const iata = { type: "string", minLength: 3, maxLength: 3 };

const flight: JsonSchema = {
  type: "object",
  properties: {
    number: { type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    time: { type: "string" },
    origin: iata,
    destination: iata,
    delayMinutes: { type: "integer", ...safe },
    distanceMiles: { type: "integer", ...safe },
  },
  required: ["number", "time", "origin", "destination", "delayMinutes", "distanceMiles"],
};

const late = {
  number: 1,
  time: "2001/01/10 18:20",
  origin: "HOU",
  destination: "SAN",
  delayMinutes: 95,
  distanceMiles: 192,
};

const early = { ...late, number: 20_000, delayMinutes: -12, distanceMiles: 2_588 };

export const flightSamples: readonly Listed[] = [
  {
    name: "a flight's number",
    schema: { type: "integer" },
    values: [0, 1, -1, 20_000, 4_294_967_295, -2_147_483_649, 1_764_324_000_000],
  },
  { name: "a flight", schema: flight, values: [late, early] },
  { name: "flights", schema: { type: "array", items: flight }, values: [[late, early, late], []] },
];
