// Serves orders at the address that it is given, registered in the directory that it is given.
import { chassis, serve } from "trunkline";
import { Orders } from "./orders.contract.ts";

const [address = "", discovery] = process.argv.slice(2);
const app = await chassis({
  name: "orders",
  listen: address,
  register: discovery === undefined ? false : { discovery },
  serve: [serve(Orders, { get: ({ id }) => ({ id, by: address }) })],
});
console.log("ready");
await app.stopped;
