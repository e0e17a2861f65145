// Contracts that must not compile, each with a part of what the compiler says.
/* oxlint-disable unicorn/no-thenable */
import { call, contract, duplex, notification, stream, upload } from "trunkline/contract";
import * as z from "zod";

const version = "1.0.0";
const Order = z.object({ id: z.string(), customer: z.object({ name: z.string() }).optional() });
const Parcel = z.object({ id: z.string(), weight: z.number(), at: z.object({ city: z.string() }) });
const Letter = z.object({ id: z.string(), at: z.object({ city: z.string(), code: z.string() }) });

// @ts-expect-error Type 'ZodString' is not assignable to type '"INTERNAL is raised by Trunkline itself: declare a code of your own"'
call({ errors: { INTERNAL: z.string() } });
// @ts-expect-error is not assignable to type '"UNAVAILABLE is raised by Trunkline itself: declare a code of your own"'
stream({ out: Order, errors: { GONE: undefined, UNAVAILABLE: undefined } });
// @ts-expect-error Type 'ZodString' is not assignable to type '"notFound must be written in UPPER_SNAKE"'
call({ errors: { notFound: z.string() } });

// @ts-expect-error Type '"customerId"' is not assignable to type '"customer.name" | "id" | undefined'
call({ in: Order, key: "customerId" });
// @ts-expect-error Type '"customer.nam"' is not assignable to type '"customer.name" | "id" | undefined'. Did you mean '"customer.name"'?
stream({ in: Order, key: "customer.nam" });
// @ts-expect-error Type '"customer"' is not assignable to type '"customer.name" | "id" | undefined'
notification({ in: Order, key: "customer" });
// @ts-expect-error Type '"weight"' is not assignable to type '"at.city" | "id" | undefined'
call({ in: z.union([Parcel, Letter]), key: "weight" });
// @ts-expect-error Type '"at.code"' is not assignable to type '"at.city" | "id" | undefined'
call({ in: z.union([Parcel, Letter]), key: "at.code" });
// @ts-expect-error Type '"length"' is not assignable to type '"no key \"length\": there is no field that is a string, number or boolean"'
call({ in: z.string(), key: "length" });
// @ts-expect-error Type '"id"' is not assignable to type '"no key \"id\": there is no field that is a string, number or boolean"'
call({ key: "id" });

// @ts-expect-error Type '"id"' is not assignable to type '"no key \"id\": there is no field that is a string, number or boolean"'
upload({ in: Order, key: "id" });
// @ts-expect-error Type '"weight"' is not assignable to type '"customer.name" | "id" | undefined'
duplex({ head: Order, in: Parcel, key: "weight" });
// @ts-expect-error 'head' does not exist in type 'CallTerms
call({ head: Order });
// @ts-expect-error 'idempotent' does not exist in type 'DuplexTerms
duplex({ idempotent: true });
// @ts-expect-error Type 'ZodString' is not assignable to type '"INTERNAL is raised by Trunkline itself: declare a code of your own"'
upload({ errors: { INTERNAL: z.string() } });
// @ts-expect-error Type 'string' is not assignable to type 'StandardSchema'
duplex({ head: "string" });

// @ts-expect-error is not assignable to type '"an operation cannot be called \"then\": JavaScript gives that name a meaning"'
contract("orders", { version }, { then: call() });
// @ts-expect-error is not assignable to type '"an operation cannot be called \"constructor\": JavaScript gives that name a meaning"'
contract("orders", { version }, { constructor: call({ in: Order }) });
// @ts-expect-error is not assignable to type '"an operation cannot be called \"toJSON\": JavaScript gives that name a meaning"'
contract("orders", { version }, { get: call(), toJSON: notification() });
// @ts-expect-error is not assignable to type '"an operation's name begins with a small letter: not \"Get\""'
contract("orders", { version }, { Get: call() });

// @ts-expect-error Type 'string' is not assignable to type 'StandardSchema'
call({ in: "string" });
// @ts-expect-error 'id' does not exist in type 'StandardSchema'
call({ out: { id: z.string() } });
// @ts-expect-error Type 'string' is not assignable to type 'StandardSchema'
call({ errors: { GONE: "gone" } });
// @ts-expect-error 'output' does not exist in type 'CallTerms
call({ in: Order, output: Order });
// @ts-expect-error Type '"2 seconds"' is not assignable to type 'Duration | undefined'
call({ deadline: "2 seconds" });
// @ts-expect-error Type '"1.0"' is not assignable to type '`${number}.${number}.${number}`
contract("orders", { version: "1.0" }, {});
// @ts-expect-error Property 'kind' is missing in type 'ZodString' but required in type '{ readonly kind: Kind; }'
contract("orders", { version }, { get: z.string() });
