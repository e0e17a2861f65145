// What stands in the middle: `middle.ts WHAT BACKEND FOLDER`.
import { join } from "node:path";
import { gateway } from "trunkline/gateway";
import { answer } from "../child.ts";
import { cpuUs } from "../usage.ts";
import { Orders } from "./orders.ts";

const [what = "", backend = "", folder = ""] = process.argv.slice(2);
const { unix, http } = JSON.parse(backend) as { readonly unix: string; readonly http: string };

const common = { signals: false, reflection: false } as const;
const operations = [{ match: { operation: "*" }, to: unix }];
const edge = await {
  "gateway, plain HTTP": () =>
    gateway({
      ...common,
      listen: "http://127.0.0.1:0",
      routes: [{ match: { path: "/**" }, to: http }],
    }),
  "gateway, REST to rsocket": () =>
    gateway({ ...common, listen: "http://127.0.0.1:0", contracts: [Orders], routes: operations }),
  "router, rsocket to rsocket": () =>
    gateway({
      ...common,
      listen: `unix:${join(folder, "router.sock")}`,
      contracts: [Orders],
      routes: operations,
    }),
}[what]!();
answer(async () => cpuUs(), edge.addresses[0]);
