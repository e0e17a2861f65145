// Writes bills. `clumsy` dies in the middle of the first one.
import { chassis, on } from "trunkline";
import { Bills } from "./bills.contract.ts";

const name = process.argv[2]!;
await using app = await chassis({
  name,
  messages: "broker+unix:./broker.sock",
  serve: [
    on(Bills.due, {}, async ({ order }, { publisher }) => {
      console.log(`${name} begins ${order}`);
      if (name === "clumsy") process.kill(process.pid, "SIGKILL");
      await publisher(Bills).written({ order, by: name });
    }),
  ],
});
await app.stopped;
