// The caller of the storm: makes calls in the manner of one library, and tells what came of each.
import { Load } from "./load.ts";
import type { Seat, StormPeer } from "./peer.ts";

const [module = "", seats = "[]"] = process.argv.slice(2);
const [own, ...replicas] = JSON.parse(seats) as Seat[];
const { peer } = (await import(module)) as { peer: StormPeer };
process.on("disconnect", () => process.exit());
const load = new Load(await peer.connect(replicas, own!), peer.told);

/** What the parent sends: calls per second, to begin with; or `end`, to be told what came of them. */
process.on("message", (said: number | "end") => {
  if (said === "end") void load.end().then((calls) => process.send!(calls));
  else load.begin(said);
});
process.send!("ready");
