import * as z from "zod";

/** The three letters of an airport; small ones have digits too. */
export const Iata = z.string().length(3);

/** The line of the file that a flight stands on. */
export const FlightNumber = z.int().positive();

export const Flight = z.object({
  number: FlightNumber,
  /** `2001/01/31 17:05` */
  time: z.string(),
  origin: Iata,
  destination: Iata,
  delayMinutes: z.int(),
  distanceMiles: z.int(),
});
export type Flight = z.infer<typeof Flight>;

export const Airport = z.object({ iata: Iata, name: z.string(), city: z.string() });
export type Airport = z.infer<typeof Airport>;
