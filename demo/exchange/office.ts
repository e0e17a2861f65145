// Assigns runways, files plans, and answers for two regions.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { chassis, on, serve, type Subscriber } from "trunkline";
import { readCharts } from "../flights.ts";
import { courseOf } from "../navigator/course.ts";
import { booksAt } from "./books.ts";
import { channelsOf, closed, Traffic } from "./traffic.ts";

const [messages = "", name = "", folder = "", run = "", store = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
const charts = readCharts();
const east = new Set(["ATL", "BOS", "CLT", "DTW", "EWR", "JFK", "MIA", "ORD", "PHL"]);
const west = new Set(["LAX", "SFO", "SEA", "PHX", "LAS", "SLC", "PDX", "SAN"]);

function nearest(to: string, among: ReadonlySet<string>): { airport: string; miles: number } {
  const from = charts.get(to)!;
  return [...among]
    .filter((airport) => airport !== to)
    .map((airport) => ({ airport, miles: Math.round(courseOf(from, charts.get(airport)!).miles) }))
    .reduce((a, b) => (b.miles < a.miles ? b : a));
}

/** The board of milestones, each once, in the books of those who have counted. */
function board(address: string): Subscriber[] {
  const books = booksAt(address);
  return [
    on(
      Traffic.milestone,
      { group: "board", store: books.store },
      ({ what, airport, movements }, { tx }) => books.note(tx, what, airport, movements),
    ),
  ];
}

await using app = await chassis({
  name,
  messages,
  bindings: channelsOf(run),
  serve: [
    serve(Traffic, {
      assign({ flight, airport }, { errors }) {
        if (airport === closed) throw errors.CLOSED(airport);
        return { flight, runway: `${(flight % 36) + 1}L` };
      },
    }),
    ...(store === "" ? [] : board(store)),
    on(Traffic.plan, {}, ({ flight, route }) => {
      appendFileSync(join(folder, "plans.txt"), `${flight} ${route.join("-")}\n`);
    }),
    on(Traffic.alternates, { group: "east" }, ({ airport }) => nearest(airport, east)),
    on(Traffic.alternates, { group: "west" }, ({ airport }) => nearest(airport, west)),
  ],
});
process.send!("ready");
await app.stopped;
process.disconnect();
