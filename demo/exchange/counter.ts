// One of the group of counters: applies departures and landings, those of one airport in their order. Any of them may be killed.
import { chassis, on, type MessageContext } from "trunkline";
import { Movements } from "./movements.ts";
import { channelsOf, Traffic, type Movement } from "./traffic.ts";

const [messages = "", name = "", folder = "", run = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
const movements = new Movements(folder);
const apply =
  (what: string) =>
  ({ airport, flight, delayMinutes }: Movement, _context: MessageContext): void =>
    movements.apply(what, airport, flight, delayMinutes);

await using app = await chassis({
  name,
  messages,
  bindings: channelsOf(run),
  serve: [
    on(Traffic.departed, { group: "counters" }, apply("departed")),
    on(Traffic.landed, { group: "counters" }, apply("landed")),
  ],
});
process.send!("ready");
await app.stopped;
process.disconnect();
