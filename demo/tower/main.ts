// A tower: clears flights. Asks the schedule what flight it is, and has the ledger enter it.
import { client, Health, serve } from "trunkline";
import { fileURLToPath } from "node:url";
import { stdio } from "trunkline/transport/stdio";
import { Archive } from "../contracts/archive.ts";
import type { Airport } from "../contracts/flight.ts";
import { Ledger } from "../contracts/ledger.ts";
import { Navigator } from "../contracts/navigator.ts";
import { Schedule } from "../contracts/schedule.ts";
import { Tower } from "../contracts/tower.ts";
import { credentials } from "../credentials.ts";
import { Log } from "../log.ts";
import { Member } from "../member/member.ts";
import { chassisWhenFree } from "./takeover.ts";

/** So many lines of the board are shown to somebody who has just come. */
const boardLines = 20;

await using member = await Member.join();
await using schedule = client(Schedule, member.address("schedule"));
await using ledger = client(Ledger, member.address("ledger"));
await using archive = client(Archive, member.archive, {
  transports: [credentials(member.folder, member.name)],
});
// A program of its own, which this tower starts, and which ends with the connection.
const pipes = stdio({
  command: process.execPath,
  args: [
    ...process.execArgv,
    fileURLToPath(new URL("../navigator/main.ts", import.meta.url)),
    ...process.argv.slice(2),
    ...["--name", `navigator-${member.number}`],
  ],
});
await using navigator = client(Navigator, "stdio:", { transports: [pipes] });
await using health = client(Health, "stdio:", { transports: [pipes] });
void health.check.result({}); // starts it now: the first sheet need not wait

// What this tower knows by itself, and loses with its process.
const airports = new Map<string, Airport>();
const airborne = new Map<string, number>();
const board = new Log<{ flight: number; origin: string; destination: string }>();

await using app = await chassisWhenFree({
  name: member.name,
  listen: member.address(member.name),
  serve: [
    serve(Tower, {
      // Both calls inherit what is left of the desk's deadline, and its trace. The key is handed on by hand, because
      // only we know that the entry and the clearance are one piece of work.
      async clear(number, { errors, idempotencyKey }) {
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
        return { flight: number, tower: member.name, entry, repeated };
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
      // What the ledger has flows through the navigator into the archive, and each asks for the next line only when it has
      // room: no process holds the sheet as a whole but the last one. What this tower itself remembers does not matter.
      async signOff(_, { trace }) {
        let after = await archive.last(member.name);
        for (;;) {
          const head = { tower: member.name, after };
          const legs = navigator.courses(ledger.written(head));
          const stored = await archive.store.result(legs, { head });
          if (stored.ok) return { sheet: stored.value, trace: trace.traceId };
          if (stored.error.code !== "OUT_OF_TURN") throw stored.error;
          after = stored.error.data.upTo; // what the tower before this one had sent was complete after all
        }
      },
      board: (_, { signal }) => board.from(board.size - boardLines, signal),
    }),
  ],
});
// A board has no end of its own: it ends when the tower begins to stop, or it would be cut when the time is over.
app.stopping.addEventListener("abort", () => board.end());
await member.ready();
await app.stopped;
