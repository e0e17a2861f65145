import { flightSamples } from "./flights.ts";
import { orderSamples } from "./orders.ts";
import { samplesOf, type Sample } from "./sample.ts";
import { shapeSamples } from "./shapes.ts";

/** Payloads like those of real contracts, and those that formats stumble over. */
export const corpus: readonly Sample[] = [
  ...samplesOf("orders", orderSamples),
  ...samplesOf("schedule", flightSamples),
  ...samplesOf("shapes", shapeSamples),
];
