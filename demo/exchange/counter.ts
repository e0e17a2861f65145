// One of the group of counters: applies departures and landings, those of one airport in their order. Any of them may be killed.
import { chassis, on, type MessageContext, type Subscriber } from "trunkline";
import { booksAt } from "./books.ts";
import { Movements } from "./movements.ts";
import { channelsOf, milestoneEach, Traffic, type Movement } from "./traffic.ts";

const [messages = "", name = "", folder = "", run = "", store = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone

/** Totals in a database: the movement, the total, the mark that it was applied and the milestone are one transaction. */
function inDatabase(address: string): Subscriber[] {
  const books = booksAt(address);
  const terms = { group: "counters", store: books.store };
  return [
    on(Traffic.departed, terms, async (movement, { tx, publish }) => {
      const movements = await books.apply(tx, "departed", movement);
      if (movements % milestoneEach === 0)
        await publish(Traffic.milestone, {
          what: "departed",
          airport: movement.airport,
          movements,
        });
    }),
    on(Traffic.landed, terms, async (movement, { tx, publish }) => {
      const movements = await books.apply(tx, "landed", movement);
      if (movements % milestoneEach === 0)
        await publish(Traffic.milestone, { what: "landed", airport: movement.airport, movements });
    }),
  ];
}

/** Without one: a file for each airport. */
function inFiles(): Subscriber[] {
  const movements = new Movements(folder);
  const apply =
    (what: string) =>
    ({ airport, flight, delayMinutes }: Movement, _context: MessageContext): void =>
      movements.apply(what, airport, flight, delayMinutes);
  return [
    on(Traffic.departed, { group: "counters" }, apply("departed")),
    on(Traffic.landed, { group: "counters" }, apply("landed")),
  ];
}

await using app = await chassis({
  name,
  messages,
  bindings: channelsOf(run),
  serve: store === "" ? inFiles() : inDatabase(store),
});
process.send!("ready");
await app.stopped;
process.disconnect();
