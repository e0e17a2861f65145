// Makes flour of grain: what it publishes leaves together with the ack of what it was made of. It is killed again and again.
import { chassis, on } from "trunkline";
import { channelsOf, Mill } from "./contract.ts";

const [messages = "", run = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
await using app = await chassis({
  name: "miller",
  messages,
  bindings: channelsOf(run),
  serve: [
    on(Mill.grain, { group: "millers", concurrency: 8 }, async (grain, { publisher }) => {
      await publisher(Mill).flour(grain);
      process.send!("ground");
    }),
  ],
});
process.send!("ready");
await app.stopped;
