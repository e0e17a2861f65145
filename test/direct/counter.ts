// One of a group: `counter.ts FOLDER`. Takes a moment for each message, and tells its parent.
import { setImmediate as turn } from "node:timers/promises";
import { chassis, on } from "trunkline";
import { direct } from "trunkline/broker/direct";
import { Gates, type Counted } from "./contract.ts";

const [folder] = process.argv.slice(2) as [string];

await using app = await chassis({
  name: "counter",
  messages: {
    make: direct({
      discovery: `directory:${folder}/services`,
      listen: `unix:${folder}/${process.pid}.sock`,
    }),
    address: "direct:",
  },
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
