import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { serveOlder } from "../call/serve-older.ts";
import { chassis, type Chassis } from "../chassis/chassis.ts";
import { client } from "../chassis/client.ts";
import { call, contract } from "../contract/index.ts";
import { trial } from "./trial.ts";

const One = contract("orders", { version: "1.4.0" }, { get: call({ in: z.string() }) });
const Two = contract(
  "orders",
  { version: "2.0.1" },
  { get: call({ in: z.object({ id: z.string() }) }) },
);
const Stock = contract("stock", { version: "1.0.0" }, { count: call({ out: z.int() }) });

async function shop(listen: string): Promise<Chassis> {
  const orders = serve(Two, { get: () => {} });
  return chassis({
    name: "shop",
    listen,
    signals: false,
    serve: [
      serveOlder(
        One,
        orders,
        { get: { up: (id) => ({ id }) } },
        { deprecated: "2026-12-01", sunset: "2027-06-01", link: "https://example.com/orders-2" },
      ),
      orders,
      serve(Stock, { count: () => 1 }),
    ],
  });
}

test("stats tells versions apart where there are several", async () => {
  await using _app = await shop("memory:cli-versions-stats");
  await using old = client(One, "memory:cli-versions-stats");
  await using stock = client(Stock, "memory:cli-versions-stats");
  await old.get("a");
  await old.get("b");
  await stock.count();
  const { out } = await trial(["stats", "memory:cli-versions-stats"]);
  deepEqual(
    out.match(/^\S+ +call +\d+/gm)?.map((line) => line.split(/ +/)),
    [
      ["orders@1.get", "call", "2"],
      ["orders@2.get", "call", "0"],
      ["stock.count", "call", "1"],
    ],
  );
});

test("describe tells what is deprecated, when its sunset is, and where to read about it", async () => {
  await using _app = await shop("memory:cli-versions-describe");
  const { out } = await trial(["describe", "memory:cli-versions-describe"]);
  deepEqual(out.match(/^\S+@.*$/gm), [
    "orders@1 (1.4.0)  deprecated 2026-12-01, sunset 2027-06-01  https://example.com/orders-2",
    "orders@2 (2.0.1)",
    "stock@1 (1.0.0)",
  ]);
  const { out: told } = await trial([
    "describe",
    "memory:cli-versions-describe",
    "orders@1",
    "--json",
  ]);
  const { contracts } = JSON.parse(told) as { contracts: Record<string, unknown>[] };
  equal(contracts[0]!["sunset"], "2027-06-01");
});
