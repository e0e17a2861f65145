// The counter: what the public may ask, over HTTP. It knows nothing by itself: it asks the schedule and the towers.
import { chassis, client, serve } from "trunkline";
import { Airports, Flights } from "../contracts/counter.ts";
import { Schedule } from "../contracts/schedule.ts";
import { Towers } from "../desk/towers.ts";
import { Member } from "../member/member.ts";

/** Towers that are asked about an airport before the question is given up. */
const triesMax = 5;

await using member = await Member.join();
await using schedule = client(Schedule, member.address("schedule"));
await using towers = new Towers(member.towers, 0, (name) => member.address(name));

await using app = await chassis({
  name: member.name,
  // REST, because the address says so; on a free port of this host only.
  listen: "http://127.0.0.1:0",
  reflection: true, // shows /openapi.json and /docs
  serve: [
    serve(Flights, {
      async get(number, { errors }) {
        const found = await schedule.flight.result(number);
        if (!found.ok && found.error.code === "NOT_FOUND") throw errors.NOT_FOUND(number);
        if (!found.ok) throw found.error;
        return found.value;
      },
      watch: (_, { signal }) => towers.next().calls.board(undefined, { signal }),
    }),
    serve(Airports, {
      // A tower that has just died is not the public's business: the next one knows it too.
      async get(iata, { errors }) {
        for (let tries = 1; ; tries++) {
          const found = await towers.next().calls.airport.result(iata);
          if (found.ok) return found.value;
          if (found.error.code === "NOT_FOUND") throw errors.NOT_FOUND(iata);
          if (found.error.code !== "UNAVAILABLE" || tries === triesMax) throw found.error;
        }
      },
    }),
  ],
});
await member.ready(app.addresses[0]);
await app.stopped;
