// What must compile, and with which types.
import type {
  Client,
  DeclaredError,
  Executed,
  HandlerContext,
  Handlers,
  HeadedContext,
  Input,
  ItemStream,
  Output,
  Schema,
} from "trunkline";
import { type } from "arktype";
import { bytes, call, contract, type info } from "trunkline/contract";
import * as v from "valibot";
import * as z from "zod";
import * as mini from "zod/mini";
import type { Orders } from "./orders.ts";

/** True when each could stand for the other; `[T]` keeps unions whole. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** Compiles when `A` and `B` are the same type. */
declare function same<A, B>(...proof: Same<A, B> extends true ? [] : ["not the same"]): void;

const ofZod = z.object({ a: z.string().default("x"), n: z.string().transform(Number) });
same<Input<typeof ofZod>, { a?: string | undefined; n: string }>();
same<Output<typeof ofZod>, { a: string; n: number }>();

const ofMini = mini.object({ a: mini._default(mini.string(), "x") });
same<Input<typeof ofMini>, { a?: string | undefined }>();
same<Output<typeof ofMini>, { a: string }>();

const ofValibot = v.object({ a: v.optional(v.string(), "x"), n: v.pipe(v.string(), v.toNumber()) });
same<Input<typeof ofValibot>, { a?: string | undefined; n: string }>();
same<Output<typeof ofValibot>, { a: string; n: number }>();

const ofArk = type({ a: "string = 'x'", n: "string.numeric.parse" });
same<Input<typeof ofArk>, { a?: string; n: string }>();
same<Output<typeof ofArk>, { a: string; n: number }>();

same<Input<Schema<string, number>>, string>();
same<Output<Schema<string, number>>, number>();
same<Input<undefined>, void>();
same<Output<ReturnType<typeof bytes>>, Uint8Array>();

export const schemas: readonly Schema[] = [ofZod, ofMini, ofValibot, ofArk, bytes()];

/** A key may lie behind optional and nullable fields, in every member of a union, and in a record. */
export const keys: readonly unknown[] = [
  call({ in: z.object({ a: z.object({ b: z.string().nullable() }).optional() }), key: "a.b" }),
  call({ in: v.object({ a: v.object({ b: v.optional(v.number()) }) }), key: "a.b" }),
  call({ in: type({ a: { b: "boolean" } }), key: "a.b" }),
  call({ in: z.union([z.object({ id: z.string() }), z.object({ id: z.number() })]), key: "id" }),
  call({ in: z.record(z.string(), z.number()), key: "anything" }),
  call({ in: z.any(), key: "anything" }),
];

same<(typeof Orders)[typeof info]["name"], "orders">();

export async function calls(orders: Client<typeof Orders>, signal?: AbortSignal): Promise<void> {
  const placed = await orders.place({ item: "kettle" }, { deadline: "2s", signal });
  same<typeof placed, { id: string }>();
  await orders.ping();
  await orders.ping(undefined, { headers: { a: "b" } });
  await orders.nudge({ order: { id: "a", part: 1 } });

  const result = await orders.place.result({ item: "kettle", count: 2 });
  if (result.ok) {
    same<typeof result.value, { id: string }>();
    return;
  }
  const { error } = result;
  same<typeof error.executed, Executed>();
  if (error.code === "SOLD_OUT") same<typeof error.data, { left: number }>();
  else if (error.code === "UNAVAILABLE") same<typeof error.declared, false>();
  else if (error.declared) same<typeof error, DeclaredError<"CLOSED", void>>();
}

export async function streams(orders: Client<typeof Orders>): Promise<void> {
  const input = { order: { id: "a", part: 1 } };
  for await (const item of orders.watch(input, { idle: "1s" })) same<typeof item, { n: number }>();
  await using items = orders.watch(input);
  const next = await items.next();
  if (!next.done) same<typeof next.value, { n: number }>();
  const iterable: AsyncIterable<{ n: number }> = items;
  void iterable;
}

export async function uploads(orders: Client<typeof Orders>, signal: AbortSignal): Promise<void> {
  const head = { shelf: { id: "a" } };
  const each = async function* (): AsyncGenerator<{ n: string }> {
    yield { n: "1" };
  };
  const receipt = await orders.scan(each(), { head, signal, idle: "5s", idempotencyKey: "k" });
  same<typeof receipt, { id: string }>();
  for (const items of [[{ n: "1" }], new Set([{ n: "1" }])]) await orders.scan(items, { head });
  same<Awaited<ReturnType<typeof orders.count>>, number>();
  await orders.count([]);
  await orders.count([1, 2], { total: "5s" });
  const result = await orders.scan.result(each(), { head: { ...head, dry: true } });
  if (!result.ok && result.error.code === "SOLD_OUT")
    same<typeof result.error.data, { left: number }>();
}

export async function duplexes(orders: Client<typeof Orders>): Promise<void> {
  for await (const item of orders.talk([{ n: "1" }], { head: "a", idle: "1s" }))
    same<typeof item, { m: number }>();
  await using echoed = orders.echo(["a"]);
  const next = await echoed.next();
  if (!next.done) same<typeof next.value, string>();
  // What one gives the other takes.
  void orders.echo(orders.echo(["a"]), { total: "5s" });
}

export const handlers: Handlers<typeof Orders> = {
  async place({ item, count }, { errors, signal, refuse }) {
    same<typeof count, number>();
    if (item === "") throw errors.SOLD_OUT({ left: "2" });
    if (signal.aborted) throw errors.CLOSED();
    if (count > 5) throw refuse("RESOURCE_EXHAUSTED", "too many");
    return { id: "a" };
  },
  async *watch({ order }) {
    yield { n: order.id };
  },
  nudge({ order }) {
    same<typeof order.part, number>();
  },
  ping: () => {},
  async scan(items, { head, errors }) {
    same<typeof head, { shelf: { id: string }; dry: boolean }>();
    for await (const item of items) same<typeof item, { n: number }>();
    if (head.dry) throw errors.SOLD_OUT({ left: "2" });
    return { id: head.shelf.id };
  },
  async count(items, { head }) {
    same<typeof head, void>();
    const first = await items.next();
    return first.done ? 0 : first.value;
  },
  async *talk(items, { head, errors }) {
    same<typeof head, string>();
    if (head === "") throw errors.CLOSED();
    for await (const { n } of items) yield { m: String(n) };
  },
  echo: (items) => items,
};

/** A class serves too, with the types of the contract where it wants them. */
export class Desk implements Handlers<typeof Orders> {
  readonly #ids: string[] = [];

  place(
    input: { item: string },
    context: HandlerContext<(typeof Orders)["place"]["errors"]>,
  ): { id: string } {
    this.#ids.push(input.item);
    if (input.item === "") throw context.errors.CLOSED();
    return { id: input.item };
  }

  watch(): Iterable<{ n: string }> {
    return this.#ids.map((n) => ({ n }));
  }

  async nudge(): Promise<void> {}

  ping(): void {}

  async scan(
    items: ItemStream<{ n: number }>,
    context: HeadedContext<(typeof Orders)["scan"]["head"], object>,
  ): Promise<{ id: string }> {
    for await (const { n } of items) this.#ids.push(String(n));
    return { id: context.head.shelf.id };
  }

  count(): number {
    return this.#ids.length;
  }

  talk(): Iterable<{ m: string }> {
    return this.#ids.map((m) => ({ m }));
  }

  async *echo(items: AsyncIterable<string>): AsyncGenerator<string> {
    yield* items;
  }
}

export const Empty = contract("empty", { version: "1.0.0-rc.1" }, {});
