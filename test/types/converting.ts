// Older versions served by newer ones, rightly and wrongly, each with a part of what the compiler says.
import { serve, serveOlder, type Conversions, type Handlers } from "trunkline";
import { call, contract, duplex, notification, stream, upload } from "trunkline/contract";
import * as z from "zod";

const Placed = z.object({ id: z.string(), state: z.enum(["placed", "shipped"]) });
const One = contract(
  "orders",
  { version: "1.4.0" },
  {
    place: call({
      in: z.object({ item: z.string(), count: z.string().transform(Number) }),
      out: Placed,
      errors: { SOLD_OUT: z.string() },
    }),
    get: call({ in: z.string(), out: Placed }),
    ping: call(),
    drop: call({ in: z.string() }),
    find: call({ in: z.string(), out: z.string() }),
    watch: stream({ in: z.string(), out: Placed }),
    note: notification({ in: z.string() }),
    load: upload({ head: z.string(), in: z.string(), out: z.int() }),
    talk: duplex({ in: z.string(), out: z.string() }),
    shout: call({ in: z.string(), out: z.string() }),
  },
);
const Line = z.object({ sku: z.string(), count: z.number() });
const Order = z.object({ id: z.string(), state: z.enum(["placed", "shipped", "returned"]) });
const Two = contract(
  "orders",
  { version: "2.0.0" },
  {
    place: call({
      in: z.object({ lines: z.array(Line) }),
      out: Order,
      errors: { SOLD_OUT: z.object({ sku: z.string() }), CLOSED: undefined },
    }),
    get: call({ in: z.string(), out: Placed }),
    ping: call({ out: z.string() }),
    search: call({ in: z.object({ text: z.string() }), out: z.object({ hit: z.string() }) }),
    watch: stream({ in: z.string(), out: Order }),
    note: notification({ in: z.object({ text: z.string() }) }),
    load: upload({ head: z.object({ name: z.string() }), in: Line, out: z.int() }),
    talk: duplex({ in: z.string(), out: z.string(), errors: { CLOSED: undefined } }),
    shout: stream({ in: z.string(), out: z.string() }),
  },
);

export declare const handlers: Handlers<typeof Two>;
const newer = serve(Two, handlers);

const right: Conversions<typeof One, typeof Two> = {
  place: {
    up: ({ item, count }, { deadline }) => ({ lines: [{ sku: item, count: count + deadline.at }] }),
    down: ({ id, state }) => ({ id, state: state === "returned" ? "shipped" : state }),
    errors: {
      SOLD_OUT: ({ sku }, { errors }) => errors.SOLD_OUT(sku),
      CLOSED: () => ({ id: "none", state: "placed" }),
    },
  },
  find: { to: "search", up: (text) => ({ text }), down: ({ hit }) => hit },
  drop: (id, { refuse }) => {
    throw refuse("UNIMPLEMENTED", `${id} stays: orders are not dropped any more`);
  },
  watch: { down: ({ id }) => ({ id, state: "placed" }) },
  note: { up: async (text) => ({ text }) },
  load: {
    head: (name) => ({ name }),
    up: (sku, { head }) => ({ sku: `${head}/${sku}`, count: 1 }),
  },
  talk: {
    errors: {
      CLOSED: (_, { refuse }) => {
        throw refuse("UNAVAILABLE", "closed");
      },
    },
  },
  shout: (text) => text.toUpperCase(),
};
serveOlder(One, newer, right, { deprecated: "2026-12-01" });
serveOlder(One, newer, { ...right, get: { down: (order) => ({ ...order, id: "a" }) } });

const { drop: _drop, ...withoutDrop } = right;
// @ts-expect-error Property 'drop' is missing in type
serveOlder(One, newer, withoutDrop);
const { shout: _shout, ...withoutShout } = right;
// @ts-expect-error Property 'shout' is missing in type
serveOlder(One, newer, withoutShout);
const { watch: _watch, ...withoutWatch } = right;
// @ts-expect-error Property 'watch' is missing in type
serveOlder(One, newer, withoutWatch);

serveOlder(One, newer, {
  ...right,
  // @ts-expect-error Property 'head' is missing in type
  load: { up: (sku: string) => ({ sku, count: 1 }) },
});
serveOlder(One, newer, {
  ...right,
  // @ts-expect-error is not assignable to type
  note: { up: (text: string) => text },
});
serveOlder(One, newer, {
  ...right,
  place: {
    // @ts-expect-error Property 'price' does not exist on type '{ item: string; count: number; }'
    up: ({ price }) => ({ lines: [price] }),
    down: ({ id }) => ({ id, state: "placed" }),
    errors: {
      SOLD_OUT: ({ sku }, { errors }) => errors.SOLD_OUT(sku),
      CLOSED: (_, { errors }) => errors.SOLD_OUT(""),
    },
  },
});
serveOlder(One, newer, {
  ...right,
  // @ts-expect-error is not assignable to type
  find: { to: "pong" },
});
// @ts-expect-error 'pong' does not exist in type
serveOlder(One, newer, { ...right, pong: () => {} });

/** Chains: the older service is one by which a still older one can be served. */
const Zero = contract(
  "orders",
  { version: "0.9.0" },
  { find: call({ in: z.number(), out: z.string() }) },
);
serveOlder(Zero, serveOlder(One, newer, right), { find: { up: (number) => `${number}` } });
