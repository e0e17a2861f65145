// One of a group, with all the defaults. Takes a moment for each message, and tells its parent.
import { setImmediate as turn } from "node:timers/promises";
import { chassis, on } from "trunkline";
import { Gates, type Counted } from "./contract.ts";

await using app = await chassis({
  name: "counter",
  messages: "direct:",
  serve: [
    on(Gates.passed, { group: "counters" }, async ({ gate, number }) => {
      const from = process.hrtime.bigint();
      await turn();
      const until = process.hrtime.bigint();
      const counted: Counted = { gate, number, fromNs: String(from), untilNs: String(until) };
      process.send!(counted);
    }),
  ],
});
process.send!("ready");
await app.stopped;
