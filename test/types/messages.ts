// Messages that must not compile, each with a part of what the compiler says.
import { bytes, command, document, event, gather } from "trunkline/contract";
import * as z from "zod";

const Order = z.object({ id: z.string(), customer: z.object({ name: z.string() }).optional() });

/** All that may be said of each. */
export const right: readonly unknown[] = [
  event({ data: Order, key: "customer.name", delivery: "exactly-once", description: "It is." }),
  event(),
  document({ data: bytes(), delivery: "at-most-once" }),
  command({ in: Order, out: Order, errors: { GONE: undefined }, key: "id", deadline: "1h" }),
  command({ idempotent: "by-key", delivery: "at-least-once" }),
  gather({ in: Order, out: z.number(), errors: { CLOSED: z.string() }, deadline: "2s" }),
];

// @ts-expect-error Type '"sometimes"' is not assignable to type 'Guarantee | undefined'
event({ data: Order, delivery: "sometimes" });
// @ts-expect-error Type '"customer"' is not assignable to type '"customer.name" | "id" | undefined'
event({ data: Order, key: "customer" });
// @ts-expect-error Type '"id"' is not assignable to type '"no key \"id\": there is no field that is a string, number or boolean"'
document({ key: "id" });
// @ts-expect-error 'out' does not exist in type 'EventTerms
event({ data: Order, out: Order });
// @ts-expect-error 'errors' does not exist in type 'DocumentTerms
document({ data: Order, errors: { GONE: undefined } });
// @ts-expect-error 'in' does not exist in type 'EventTerms
event({ in: Order });
// @ts-expect-error 'deadline' does not exist in type 'EventTerms
event({ data: Order, deadline: "1s" });
// @ts-expect-error 'delivery' does not exist in type 'GatherTerms
gather({ in: Order, delivery: "at-least-once" });
// @ts-expect-error 'key' does not exist in type 'GatherTerms
gather({ in: Order, key: "id" });
// @ts-expect-error Type 'ZodString' is not assignable to type '"INTERNAL is raised by Trunkline itself: declare a code of your own"'
command({ errors: { INTERNAL: z.string() } });
// @ts-expect-error Type 'ZodString' is not assignable to type '"notFound must be written in UPPER_SNAKE"'
gather({ errors: { notFound: z.string() } });
// @ts-expect-error Type '"id"' is not assignable to type '"no key \"id\": there is no field that is a string, number or boolean"'
command({ in: z.string(), key: "id" });
// @ts-expect-error Type 'string' is not assignable to type 'StandardSchema'
command({ out: "string" });
