// Serves the desk; fails at everything while the file `FLAG` is there. Tells on its channel, when asked, how often it was called.
import { subscribe } from "node:diagnostics_channel";
import { existsSync } from "node:fs";
import { chassis, serve } from "trunkline";
import { Desk } from "./desk.ts";

const [listen, flag] = process.argv.slice(2) as [string, string];
let calls = 0;
await using app = await chassis({
  name: "desk",
  listen,
  serve: [
    serve(Desk, {
      ask() {
        calls++;
        if (existsSync(flag)) throw new Error("the disk is full");
        return calls;
      },
    }),
  ],
});
subscribe("trunkline:incident", () => {}); // each would become a warning
process.on("message", () => process.send!(calls));
process.send!("ready");
await app.stopped;
process.disconnect();
