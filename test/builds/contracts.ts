// Two builds of one contract: what has changed from the old to the new one is compared by `compareContracts`, and tried.
import { call, contract, stream, upload } from "trunkline";
import * as z from "zod";

const Item = z.object({ item: z.string() });

/** What both builds say the same. */
const same = call({
  in: z.object({ n: z.int(), text: z.string() }),
  out: z.object({ sum: z.number() }),
});

export const Old = contract(
  "shop",
  { version: "1.0.0" },
  {
    same,
    moreIn: call({ in: Item, out: z.string() }),
    lessIn: call({
      in: z.object({ item: z.string(), note: z.string().optional() }),
      out: z.string(),
    }),
    neededIn: call({ in: Item, out: z.string() }),
    moreOut: call({ in: Item, out: z.object({ id: z.string() }) }),
    lessOut: call({ in: Item, out: z.object({ id: z.string(), price: z.number() }) }),
    widerOut: call({ in: Item, out: z.enum(["placed", "shipped"]) }),
    narrowerIn: call({ in: z.string(), out: z.string() }),
    gone: call({ in: Item, out: z.string() }),
    watch: stream({ in: Item, out: z.object({ n: z.int() }) }),
    load: upload({ in: z.object({ n: z.int() }), out: z.int() }),
    failing: call({ in: Item, errors: { SOLD_OUT: z.object({ item: z.string() }) } }),
  },
);

export const New = contract(
  "shop",
  { version: "1.1.0" },
  {
    same,
    moreIn: call({ in: Item.extend({ note: z.string().optional() }), out: z.string() }),
    lessIn: call({ in: Item, out: z.string() }),
    neededIn: call({ in: Item.extend({ count: z.int().min(1) }), out: z.string() }),
    moreOut: call({ in: Item, out: z.object({ id: z.string(), price: z.number() }) }),
    lessOut: call({ in: Item, out: z.object({ id: z.string() }) }),
    widerOut: call({ in: Item, out: z.enum(["placed", "shipped", "returned"]) }),
    narrowerIn: call({ in: z.string().max(3), out: z.string() }),
    added: call({ in: Item, out: z.string() }),
    watch: stream({ in: Item, out: z.object({ n: z.int(), last: z.boolean().optional() }) }),
    load: upload({ in: z.object({ n: z.int(), note: z.string().optional() }), out: z.int() }),
    failing: call({
      in: Item,
      errors: { SOLD_OUT: z.object({ item: z.string(), left: z.int().optional() }) },
    }),
  },
);
