// Calls that must not compile, each with a part of what the compiler says.
import type { Client } from "trunkline";
import type { Orders } from "./orders.ts";

export async function wrong(orders: Client<typeof Orders>): Promise<void> {
  // @ts-expect-error 'itm' does not exist in type '{ item: string; count?: number | undefined; }'. Did you mean to write 'item'?
  await orders.place({ itm: "kettle" });
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  await orders.place({ item: 5 });
  // @ts-expect-error Expected 1-2 arguments, but got 0
  await orders.place();
  // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'void'
  await orders.ping("now");
  // @ts-expect-error Property 'cancel' does not exist on type
  await orders.cancel({ item: "kettle" });
  // @ts-expect-error Property 'result' does not exist on type 'StreamMethod
  orders.watch.result({ order: { id: "a", part: 1 } });
  // @ts-expect-error 'timeout' does not exist in type 'CallOptions'
  await orders.place({ item: "kettle" }, { timeout: 5 });
  // @ts-expect-error 'total' does not exist in type 'CallOptions'
  await orders.ping(undefined, { total: "5s" });
  // @ts-expect-error Type '"5 seconds"' is not assignable to type
  await orders.ping(undefined, { deadline: "5 seconds" });
  // @ts-expect-error Property 'name' does not exist on type '{ id: string; }'
  void (await orders.place({ item: "kettle" })).name;

  const head = { shelf: { id: "a" } };
  // @ts-expect-error Expected 2 arguments, but got 1
  await orders.scan([{ n: "1" }]);
  // @ts-expect-error Property 'head' is missing in type '{ deadline: "2s"; }'
  await orders.scan([{ n: "1" }], { deadline: "2s" });
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  await orders.scan([{ n: "1" }], { head: { shelf: { id: 5 } } });
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  await orders.scan([{ n: 1 }], { head });
  // @ts-expect-error 'n' does not exist in type 'Items<{ n: string; }>'
  await orders.scan({ n: "1" }, { head });
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  await orders.count(new Set(["a"]));
  // @ts-expect-error 'head' does not exist in type 'StreamOptions'
  await orders.count([1], { head });
  // @ts-expect-error Expected 2 arguments, but got 1
  await orders.scan.result([{ n: "1" }]);
  // @ts-expect-error Expected 2 arguments, but got 1
  orders.talk([{ n: "1" }]);
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  orders.talk([{ n: "1" }], { head: 5 });
  // @ts-expect-error Property 'result' does not exist on type 'DuplexMethod
  orders.talk.result([{ n: "1" }], { head: "a" });
  // @ts-expect-error 'head' does not exist in type 'StreamOptions'
  orders.echo(["a"], { head: "a" });
  // @ts-expect-error Property 'length' does not exist on type 'ItemStream<string>'
  void orders.echo(["a"]).length;

  const result = await orders.place.result({ item: "kettle" });
  if (result.ok) return;
  // @ts-expect-error This comparison appears to be unintentional because the types '"CANCELLED" | "CLOSED" |
  if (result.error.code === "NOT_FOUND") return;
  // @ts-expect-error Property 'value' does not exist on type 'Failed
  void result.value;
  // @ts-expect-error Property 'rest' does not exist on type '{ left: number; }'
  if (result.error.code === "SOLD_OUT") void result.error.data.rest;
}
