// A replica of the storm: serves in the manner of one library until it is told to stop.
import { journaled } from "./journal.ts";
import type { Seat, StormPeer } from "./peer.ts";

const [module = "", number = "1", seats = "[]"] = process.argv.slice(2);
const all = JSON.parse(seats) as Seat[];
const seat = all[Number(number)]!;
const { peer } = (await import(module)) as { peer: StormPeer };
process.on("disconnect", () => process.exit(1)); // the parent is gone
await peer.serve(seat, journaled(seat.folder, seat.number), all);
process.send!("ready");
// Only now: a library that ends on its own must not be kept by our channel.
process.channel?.unref();
