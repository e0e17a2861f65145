// Handlers that must not compile, each with a part of what the compiler says.
import { serve, type Handlers } from "trunkline";
import { Orders } from "./orders.ts";

const right: Handlers<typeof Orders> = {
  place: () => ({ id: "a" }),
  watch: () => [],
  nudge: () => {},
  ping: () => {},
  scan: () => ({ id: "a" }),
  count: () => 1,
  talk: () => [],
  echo: () => [],
};
const { ping: _, ...withoutPing } = right;

// @ts-expect-error Property 'ping' is missing in type
serve(Orders, withoutPing);
// @ts-expect-error 'pong' does not exist in type
serve(Orders, { ...right, pong: () => {} });

serve(Orders, {
  ...right,
  // @ts-expect-error Type '{ number: string; }' is not assignable to type
  place: () => ({ number: "a" }),
});
serve(Orders, {
  ...right,
  // @ts-expect-error Property 'id' is missing in type '{ number: string; }' but required in type '{ id: string; }'
  place: async () => ({ number: "a" }),
});
serve(Orders, {
  ...right,
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  async *watch() {
    yield { n: 5 };
  },
});
serve(Orders, {
  ...right,
  // @ts-expect-error Type 'Promise<string>' is not assignable to type 'void | Promise<void>'
  nudge: async () => "done",
});
serve(Orders, {
  ...right,
  async place(_input, { errors }) {
    // @ts-expect-error Property 'NOT_FOUND' does not exist on type 'ErrorMakers<
    throw errors.NOT_FOUND("a");
  },
});
serve(Orders, {
  ...right,
  async place(_input, { errors }) {
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    throw errors.SOLD_OUT({ left: 5 });
  },
});
serve(Orders, {
  ...right,
  nudge(_input, context) {
    // @ts-expect-error Property 'errors' does not exist on type 'PublishingContext<{}>'
    void context.errors;
  },
});
serve(Orders, {
  ...right,
  async scan(items, { head }) {
    // @ts-expect-error Property 'price' does not exist on type '{ n: number; }'
    for await (const item of items) void item.price;
    // @ts-expect-error Property 'name' does not exist on type '{ shelf: { id: string; }; dry: boolean; }'
    return { id: head.name };
  },
});
serve(Orders, {
  ...right,
  // @ts-expect-error Type 'number' is not assignable to type 'Promise<{ id: string; }> | { id: string; }'
  scan: () => 5,
});
serve(Orders, {
  ...right,
  talk(items, { errors }) {
    // @ts-expect-error Property 'length' does not exist on type 'ItemStream<{ n: number; }>'
    void items.length;
    // @ts-expect-error Property 'SOLD_OUT' does not exist on type 'ErrorMakers<
    throw errors.SOLD_OUT({ left: "2" });
  },
});
serve(Orders, {
  ...right,
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  async *talk() {
    yield { m: 5 };
  },
});
serve(Orders, {
  ...right,
  async place(input) {
    // @ts-expect-error Property 'price' does not exist on type '{ item: string; count: number; }'
    return { id: input.price };
  },
});
serve(Orders, {
  ...right,
  // @ts-expect-error Argument of type 'string' is not assignable to parameter of type '"CANCELLED" |
  ping: (_input, { refuse }) => void refuse("SOLD_OUT" as string, "no"),
});

// @ts-expect-error Class 'Desk' incorrectly implements
export class Desk implements Handlers<typeof Orders> {
  readonly place = (): { id: string } => ({ id: "a" });
}
