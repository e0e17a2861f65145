// A navigator: works out the courses of one tower, which has started it and speaks with it over pipes.
import { chassis, serve } from "trunkline";
import { Navigator } from "../contracts/navigator.ts";
import { readCharts } from "../flights.ts";
import { Member } from "../member/member.ts";
import { courseOf } from "./course.ts";

await using member = await Member.join({ stdin: "frames" });
const charts = readCharts();

await using app = await chassis({
  name: member.name,
  listen: "stdio:",
  serve: [
    serve(Navigator, {
      // The next line is asked for only when the tower has taken the one before: a sheet never stands here as a whole.
      async *courses(lines, { errors }) {
        for await (const line of lines) {
          const [from, to] = [charts.get(line.origin), charts.get(line.destination)];
          if (from === undefined) throw errors.UNKNOWN_AIRPORT(line.origin);
          if (to === undefined) throw errors.UNKNOWN_AIRPORT(line.destination);
          yield { ...line, ...courseOf(from, to) };
        }
      },
    }),
  ],
});
// When the tower is gone, whatever became of it, nobody else can come: then this has stopped.
await app.stopped;
