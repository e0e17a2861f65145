// The counter: what the public may ask, over HTTP. It knows nothing by itself: it asks the schedule and the towers.
import { chassis, client, serve } from "trunkline";
import { Airports, Flights } from "../contracts/counter.ts";
import { Schedule } from "../contracts/schedule.ts";
import { Tower } from "../contracts/tower.ts";
import { Member } from "../member/member.ts";

await using member = await Member.join();
const discovery = member.registry;
await using schedule = client(Schedule, "service:schedule", { discovery });
// A tower that has just died is not the public's business: the next one knows it too, and is asked without a word.
await using tower = client(Tower, "service:tower", { discovery });

await using app = await chassis({
  name: member.name,
  // REST, because the address says so; on a free port of this host only.
  listen: "http://127.0.0.1:0",
  reflection: true, // shows /openapi.json and /docs
  register: { id: member.name, discovery },
  serve: [
    serve(Flights, {
      async get(number, { errors }) {
        const found = await schedule.flight.result(number);
        if (!found.ok && found.error.code === "NOT_FOUND") throw errors.NOT_FOUND(number);
        if (!found.ok) throw found.error;
        return found.value;
      },
      watch: (_, { signal }) => tower.board(undefined, { signal }),
    }),
    serve(Airports, {
      async get(iata, { errors }) {
        const found = await tower.airport.result(iata);
        if (!found.ok && found.error.code === "NOT_FOUND") throw errors.NOT_FOUND(iata);
        if (!found.ok) throw found.error;
        return found.value;
      },
    }),
  ],
});
await member.ready(app.addresses[0]);
await app.stopped;
