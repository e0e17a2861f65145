// Serves the desk at the addresses that it is given, until it is killed.
import { chassis, serve } from "trunkline";
import { Desk } from "./desk.ts";

const ran: string[] = [];
await chassis({
  name: "desk",
  listen: process.argv.slice(2),
  serve: [
    serve(Desk, {
      work: (input) => {
        ran.push(input);
        return input;
      },
      ran: () => ran,
      later: (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms)),
    }),
  ],
});
console.log("ready");
