import * as z from "zod";
import { contract, event } from "../../contract/index.ts";
import { steps } from "./steps.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string(), total: z.number() }) }),
    billed: event({ data: z.object({ order: z.string() }) }),
  },
);

const begun = steps(Orders.placed, { group: "billing" });
begun.map("bill", ({ id }) => ({ order: id })).to(Orders.billed);

// @ts-expect-error an event is shared by groups: it needs one
steps(Orders.placed, {});

// @ts-expect-error what comes out is not what the target takes
begun.map("bill", ({ total }) => ({ order: total })).to(Orders.billed);

// @ts-expect-error a step that waits is enrich, not map
begun.map("bill", async ({ id }) => ({ order: id })).to(Orders.billed);

// @ts-expect-error there is no such text
begun.redact("id", ["identity"]);

// @ts-expect-error a number cannot be overwritten by a text
begun.redact("total", ["total"]);
