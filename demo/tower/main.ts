// A tower: clears flights. Asks the schedule what flight it is, and has the ledger enter it.
import { client, serve } from "trunkline";
import type { Airport } from "../contracts/flight.ts";
import { Ledger } from "../contracts/ledger.ts";
import { Schedule } from "../contracts/schedule.ts";
import { Tower } from "../contracts/tower.ts";
import { Log } from "../log.ts";
import { Member } from "../member/member.ts";
import { chassisWhenFree } from "./takeover.ts";

/** So many lines of the board are shown to somebody who has just come. */
const boardLines = 20;

await using member = await Member.join();
await using schedule = client(Schedule, member.address("schedule"));
await using ledger = client(Ledger, member.address("ledger"));

// What this tower knows by itself, and loses with its process.
const airports = new Map<string, Airport>();
const airborne = new Map<string, number>();
const board = new Log<{ flight: number; origin: string; destination: string }>();

// A board has no end of its own: it ends when the tower begins to stop, or it would be cut when the time is over.
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => board.end());

await using app = await chassisWhenFree({
  name: member.name,
  listen: member.address(member.name),
  serve: [
    serve(Tower, {
      // Both calls inherit what is left of the desk's deadline, and its trace. The key is handed on by hand, because
      // only we know that the entry and the clearance are one piece of work.
      async clear(number, { errors, idempotencyKey, trace }) {
        const found = await schedule.flight.result(number);
        if (!found.ok && found.error.code === "NOT_FOUND") throw errors.UNKNOWN_FLIGHT(number);
        if (!found.ok) throw found.error;
        const flight = found.value;
        const { entry, repeated } = await ledger.record(
          { flight, tower: member.name },
          { idempotencyKey },
        );
        const { origin, destination } = flight;
        board.append({ flight: number, origin, destination });
        return { flight: number, tower: member.name, entry, repeated, trace: trace.traceId };
      },
      async airport(iata, { errors }) {
        let airport = airports.get(iata);
        if (airport === undefined) {
          const found = await schedule.airport.result(iata);
          if (!found.ok && found.error.code === "NOT_FOUND") throw errors.NOT_FOUND(iata);
          if (!found.ok) throw found.error;
          airports.set(iata, (airport = found.value));
        }
        return { ...airport, airborne: airborne.get(iata) ?? 0 };
      },
      airborne({ origin }) {
        airborne.set(origin, (airborne.get(origin) ?? 0) + 1);
      },
      board: (_, { signal }) => board.from(board.size - boardLines, signal),
    }),
  ],
});
await member.ready();
await app.stopped;
