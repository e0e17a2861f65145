// Notes parcels in a database. A deadly one ends it, as a fault in native code would: without a word, and with all that is under way.
import { subscribe } from "node:diagnostics_channel";
import { chassis, on, type MessageEvent } from "trunkline";
import { sqlite } from "trunkline/store/sqlite";
import { Post } from "./contract.ts";

const [messages = "", database = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
subscribe("trunkline:message", (event) => {
  const { outcome, reason } = event as MessageEvent;
  process.send!({ outcome, reason });
});
const store = sqlite(database);
await using app = await chassis({
  name: "post",
  messages,
  serve: [
    on(Post.parcel, { store, concurrency: 8 }, ({ id, deadly }, { tx, message }) => {
      if (deadly) process.kill(process.pid, "SIGKILL");
      tx.prepare("INSERT INTO parcel (id, attempt) VALUES (?, ?)").run(id, message.attempt);
    }),
  ],
});
await app.stopped;
