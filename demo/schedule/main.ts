// The schedule: the only process but the control room that reads the file.
import { chassis, serve } from "trunkline";
import { Schedule } from "../contracts/schedule.ts";
import { readAirports, readFlights } from "../flights.ts";
import { Member } from "../member/member.ts";
import { Play } from "./play.ts";

await using member = await Member.join();
const flights = readFlights();
const airports = readAirports();
const play = new Play(flights);

await using app = await chassis({
  name: member.name,
  listen: member.address("schedule"),
  register: { id: member.name, discovery: member.registry },
  serve: [
    serve(Schedule, {
      begin({ seconds }) {
        play.begin(seconds);
      },
      flight(number, { errors }) {
        const flight = flights[number - 1];
        if (flight === undefined) throw errors.NOT_FOUND(number);
        return flight;
      },
      airport(iata, { errors }) {
        const airport = airports.get(iata);
        if (airport === undefined) throw errors.NOT_FOUND(iata);
        return airport;
      },
      // The next flight is asked for only when the desk has room for it: nothing piles up in between.
      async *departures({ desk, desks }, { signal }) {
        for await (const strip of play.released.from(0, signal))
          if (strip.number % desks === desk - 1) yield strip;
      },
    }),
  ],
});
await member.ready();
await app.stopped;
