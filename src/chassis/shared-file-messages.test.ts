import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { command, contract, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string() }), key: "id" }),
  },
);
const Till = contract(
  "till",
  { version: "1.0.0" },
  { pay: command({ in: z.object({ id: z.string() }), out: z.object({ paid: z.boolean() }) }) },
);

test("events reach each group and commands are answered by files that two share", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const messages = `sharedfile:${join(folder, "talk")}`;
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  const hear =
    (group: string) =>
    ({ id }: { readonly id: string }): void => {
      heard.push(`${group} ${id}`);
      if (heard.length === 4) all.resolve();
    };
  const billing = await chassis({
    name: "billing",
    messages,
    signals: false,
    serve: [
      on(Orders.placed, { group: "billing" }, hear("billing")),
      on(Orders.placed, { group: "stock" }, hear("stock")),
      serve(Till, { pay: ({ id }) => ({ paid: id === "o-1" }) }),
    ],
  });
  const shop = await chassis({ name: "shop", messages, signals: false });
  const orders = shop.publisher(Orders);
  const receipt = await orders.placed({ id: "o-1" });
  equal(receipt.enqueued, "stored");
  await orders.placed({ id: "o-2" });
  const till = client(Till, "memory:nobody", { messages, instance: "shop" });
  deepEqual(await (await till.pay({ id: "o-1" })).reply(), { paid: true });
  await close(till);
  await all.promise;
  deepEqual(heard.toSorted(), ["billing o-1", "billing o-2", "stock o-1", "stock o-2"]);
  await shop.stop();
  await billing.stop();
});
