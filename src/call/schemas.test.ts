import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import * as z from "zod";
import { type } from "arktype";
import { VirtualEnv } from "../base/virtual-env.ts";
import { call, contract, stream } from "../contract/index.ts";
import type { AnyContract } from "../contract/contract.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { overProtocol } from "./client-suite.ts";
import type { Client } from "./client-type.ts";
import type { Handlers } from "./handlers-type.ts";
import { serve } from "./serve.ts";

/*
 * Goal: schemas of real libraries do on both sides what they do on one: a transform or a default runs once in all,
 * at the receiver, and each side has the types that belong to it.
 */

/** A client of what the handlers serve; both look at what they send, which must change nothing. */
async function served<C extends AnyContract>(
  each: C,
  handlers: Handlers<C>,
  use: (client: Client<C>) => Promise<void>,
): Promise<void> {
  const env = new VirtualEnv();
  const { serve: listen, connect } = overProtocol(
    rsocket(memory(new MemoryNames())),
    () => "memory:schemas",
    () => env,
  );
  const serving = await listen([serve(each, handlers)], "memory:schemas", { checkSent: true }, env);
  const client = connect(each, "memory:schemas", { checkSent: true }, env);
  await use(client);
  await client[Symbol.asyncDispose]();
  await serving.stop();
}

test("zod: transforms, defaults and codecs run once, at the receiver", async () => {
  let transforms = 0;
  const Length = z.string().transform((text) => {
    transforms++;
    return text.length;
  });
  const When = z.codec(z.iso.datetime(), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  });
  const Paging = z.object({ page: z.number().default(1), size: z.coerce.number().optional() });
  const Library = contract(
    "library",
    { version: "1.0.0" },
    {
      measure: call({ in: Length, out: Length }),
      list: call({ in: Paging, out: z.object({ page: z.number(), at: When }) }),
      follow: stream({ in: z.void(), out: Length }),
    },
  );
  await served(
    Library,
    {
      // The handler gets the number, and gives text for the caller's number.
      measure: (length) => {
        const got: number = length;
        return "x".repeat(got * 2);
      },
      list: ({ page, size }) => {
        assert.equal(size, undefined);
        return { page: page + 1, at: "2026-01-01T00:00:00Z" };
      },
      follow: () => ["a", "bb", "ccc"],
    },
    async (library) => {
      const answer: number = await library.measure("four");
      assert.equal(answer, 8);
      assert.equal(
        transforms,
        4,
        "once by each sender, who throws it away, and once by each receiver",
      );
      const { page, at } = await library.list({});
      assert.equal(page, 2);
      assert.ok(at instanceof Date);
      assert.equal(at.getTime(), Date.UTC(2026, 0, 1));
      const lengths: number[] = [];
      for await (const length of library.follow()) lengths.push(length);
      assert.deepEqual(lengths, [1, 2, 3]);
    },
  );
});

test("zod: asynchronous refinements are waited for, and strip what is not declared", async () => {
  const Known = z
    .object({ id: z.string() })
    .refine(async ({ id }) => id !== "unknown", { error: "nobody knows it" });
  const Registry = contract(
    "registry",
    { version: "1.0.0" },
    { find: call({ in: Known, out: Known }) },
  );
  const seen: unknown[] = [];
  await served(
    Registry,
    {
      find: (input) => {
        seen.push(input);
        return input;
      },
    },
    async (registry) => {
      const extra = { id: "a", more: true };
      assert.deepEqual(await registry.find(extra), { id: "a" });
      await assert.rejects(registry.find({ id: "unknown" }), {
        code: "INVALID_ARGUMENT",
        executed: "no",
        reason: "the input does not match the contract: nobody knows it",
      });
      assert.deepEqual(seen, [{ id: "a" }]);
    },
  );
});

test("valibot: transforms and defaults run once, at the receiver", async () => {
  const Name = v.pipe(v.string(), v.trim(), v.minLength(1));
  const Greeting = v.object({ name: Name, loud: v.optional(v.boolean(), false) });
  const Host = contract(
    "host",
    { version: "1.0.0" },
    {
      greet: call({
        in: Greeting,
        out: v.pipe(
          v.string(),
          v.transform((text) => text.length),
        ),
      }),
    },
  );
  const names: string[] = [];
  await served(
    Host,
    {
      greet: ({ name, loud }) => {
        names.push(name);
        return loud ? "HELLO" : "hi";
      },
    },
    async (host) => {
      assert.equal(await host.greet({ name: "  you " }), 2);
      assert.equal(await host.greet({ name: "you", loud: true }), 5);
      assert.deepEqual(names, ["you", "you"]);
      const wrong = await host.greet.result({ name: "  " });
      assert.ok(!wrong.ok && wrong.error.executed === "no");
    },
  );
});

test("arktype: morphs and defaults run once, at the receiver", async () => {
  const Order = type({ at: "string.date.iso.parse", count: "number = 7" });
  const Shop = contract(
    "shop",
    { version: "1.0.0" },
    { order: call({ in: Order, out: type("string.numeric.parse") }) },
  );
  await served(
    Shop,
    {
      order: ({ at, count }) => {
        assert.ok(at instanceof Date);
        return String(at.getUTCFullYear() + count);
      },
    },
    async (shop) => {
      assert.equal(await shop.order({ at: "2026-05-01" }), 2_033);
      assert.equal(await shop.order({ at: "2026-05-01", count: 1 }), 2_027);
      const wrong = await shop.order.result({ at: "soon" });
      assert.ok(!wrong.ok && wrong.error.code === "INVALID_ARGUMENT");
    },
  );
});
