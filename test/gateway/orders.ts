// Serves orders at the address that it is given.
import { chassis, serve } from "trunkline";
import { Orders } from "./orders.contract.ts";

const [address = ""] = process.argv.slice(2);
const app = await chassis({
  name: "orders",
  listen: address,
  serve: [serve(Orders, { get: ({ id }) => ({ id, by: address }) })],
});
console.log("ready");
await app.stopped;
