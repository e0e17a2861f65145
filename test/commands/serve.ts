// Serves the depot, commands and calls; says on stdout what begins, and with "stuck" ends nothing.
import { chassis, serve } from "trunkline";
import { Depot } from "./depot.contract.ts";

const [broker = "", how = ""] = process.argv.slice(2);
const begin = async (what: string): Promise<void> => {
  console.log(what);
  if (how === "stuck") await new Promise(() => {});
};
await using app = await chassis({
  name: "depot",
  listen: broker,
  messages: broker,
  serve: [
    serve(Depot, {
      async ship({ order }, { errors }) {
        if (order === "lost") throw errors.LOST(order);
        return { parcel: `p-${order}` };
      },
      async buy(item) {
        await begin(`buy ${item}`);
        return `bought ${item}`;
      },
      async look(item) {
        await begin(`look ${item}`);
        return `saw ${item}`;
      },
      async seen() {},
    }),
  ],
});
console.log("ready");
await app.stopped;
