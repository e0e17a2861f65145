// Asks for runways, and notes the tokens of what it has asked. Killed in the middle, it comes back and hears the replies all the same.
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { client } from "trunkline";
import { readFlights } from "../flights.ts";
import { channelsOf, Traffic } from "./traffic.ts";

const [messages = "", file = "", run = "", from = "0", to = "0"] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
await using traffic = client(Traffic, messages, {
  instance: `asker-${run}`,
  deadline: "60s",
  bindings: channelsOf(run),
});
const before = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];

for (const { number, origin } of readFlights().slice(Number(from), Number(to))) {
  const handle = await traffic.assign({ flight: number, airport: origin });
  appendFileSync(file, `${number} ${handle.token}\n`);
}
process.send!("asked");

await once(process, "message");
await collect();

/** Hears the replies to everything that was ever asked, in this life or the one before. */
async function collect(): Promise<void> {
  const replies: Record<string, number> = {
    assigned: 0,
    closed: 0,
    wrong: 0,
    resumed: before.length,
  };
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const [flight, token = ""] = line.split(" ");
    const result = await traffic.assign.resume(token).result({ within: "20s" });
    if (result.ok) replies[result.value.flight === Number(flight) ? "assigned" : "wrong"]!++;
    else if (result.error.code === "CLOSED") replies["closed"]!++;
    else {
      replies["wrong"]!++;
      if (replies["wrong"] === 1) console.error(`asker: ${result.error.message}`);
    }
  }
  process.send!(replies);
}
