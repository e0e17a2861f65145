// Serves the desk under a registry: `node server.ts LISTEN REGISTRY ID`.
import { chassis, serve } from "trunkline";
import { Desk } from "./desk.ts";

const [listen, discovery, id] = process.argv.slice(2) as [string, string, string];
await using app = await chassis({
  name: "desk",
  listen,
  register: { discovery, id, ttl: "2s" },
  serve: [serve(Desk, { ask: (text) => `${id} ${text}` })],
});
console.log("ready");
await app.stopped;
