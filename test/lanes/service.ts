// One of three services in one lane: `service.ts TIER LANE FOLDER`. Asks the next one by its name.
import { chassis, client, serve } from "trunkline";
import { next, tiers, type Tier } from "./contract.ts";

const [tier, lane, folder] = process.argv.slice(2) as [Tier, string, string];
const discovery = `directory:${folder}/services`;
const following = next[tier];
const onward =
  following === undefined
    ? undefined
    : client(tiers[following], `service:${following}`, { discovery });

await using app = await chassis({
  name: tier,
  listen: `unix:${folder}/${tier}-${lane}.sock`,
  register: { discovery, lane },
  serve: [
    serve(tiers[tier], {
      async ask() {
        const own = `${tier} ${lane}`;
        return onward === undefined ? own : `${own} > ${await onward.ask()}`;
      },
    }),
  ],
});
process.send!("ready");
await app.stopped;
