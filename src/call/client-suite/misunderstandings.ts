import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { call, contract, duplex, stream, upload } from "../../contract/index.ts";
import type { Schema } from "../../contract/schema.ts";
import type { TrunklineError } from "../../base/error.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, number, slow, text, throwing } from "./schemas.ts";
import { aborted, failureOf, fails, take, outOfTime } from "./stage.ts";

interface Throwing {
  readonly errors: { readonly GONE: (data: unknown) => TrunklineError };
}

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  { buy: call({ in: text, out: text, errors: { SOLD_OUT: text } }) },
);

export const misunderstandingCases: readonly Case[] = [
  {
    name: "what nobody serves here did not run: an unknown operation, another major, another contract",
    when: (_capabilities, { queued }) => queued !== true,
    play: async (stage) => {
      await stage.serve(serve(Shop, { buy: (item) => item }));
      const later = contract("shop", { version: "1.1.0" }, { buy: call(), sell: call() });
      const next = contract("shop", { version: "2.0.0" }, { buy: call() });
      const other = contract("bank", { version: "1.0.0" }, { pay: call() });
      const work = [
        (await stage.connect(later)).sell(),
        (await stage.connect(next)).buy(),
        (await stage.connect(other)).pay(),
      ];
      for (const each of work) await fails(each, "UNIMPLEMENTED", "no");
    },
  },
  {
    name: "a schema whose own code throws fails its call alone, and it is told whether the handler ran",
    play: async (stage) => {
      const Odd = contract(
        "odd",
        { version: "1.0.0" },
        {
          before: call({ in: throwing<string>("hunter2 at the input"), out: text }),
          after: call({ in: text, out: throwing<string>("hunter2 at the output") }),
          fine: call({ in: text, out: text }),
          items: stream({ out: throwing<number>("hunter2 at an item", (item) => item === 2) }),
        },
      );
      const ran: string[] = [];
      const answer = (item: string): string => {
        ran.push(item);
        return item;
      };
      await stage.serve(
        serve(Odd, { before: answer, after: answer, fine: answer, items: () => [1, 2] }),
        { checkSent: false },
      );
      const careful = await stage.connect(Odd);
      await fails(careful.before("a"), "INTERNAL", "no");
      equal(stage.incidents.length, 0);
      const trusting = await stage.connect(Odd, { checkSent: false });
      const reported = await fails(trusting.before("b"), "INTERNAL", "no");
      equal(reported.id, stage.incidents[0]?.id);
      ok(!reported.message.includes("hunter2"));
      deepEqual(ran, []);
      await fails(careful.after("c"), "INTERNAL", "yes");
      deepEqual(ran, ["c"]);
      if (stage.streams) await fails(take(careful.items()), "INTERNAL", "maybe");
      equal(await careful.fine("d"), "d");
    },
  },
  {
    name: "a schema of an error's data or of an item that throws, at once or later, fails its call alone",
    play: async (stage) => {
      const late = slow(async () => {
        throw new Error("hunter2, later");
      });
      const broken = throwing<string>("hunter2, at once");
      const fine = any<unknown>();
      const terms = (data: Schema, item: Schema) => ({
        ask: call({ errors: { GONE: data } }),
        read: stream({ out: item, errors: { GONE: data } }),
      });
      const Served = contract("odd", { version: "1.0.0" }, terms(fine, fine));
      const handlers = {
        ask: (_input: unknown, { errors }: Throwing) => {
          throw errors.GONE("tea");
        },
        *read(_input: unknown, { errors }: Throwing) {
          yield "item";
          throw errors.GONE("tea");
        },
      };
      await stage.serve(serve(Served, handlers));
      for (const odd of [late, broken]) {
        const client = await stage.connect(contract("odd", { version: "1.0.0" }, terms(odd, fine)));
        const errors = [
          await fails(client.ask(), "INTERNAL", "yes"),
          ...(stage.streams ? [await fails(take(client.read()), "INTERNAL", "yes")] : []),
        ];
        for (const { reason, cause } of errors) {
          match(reason, /the data of GONE could not be checked: its schema threw/);
          match(String(cause), /hunter2/);
        }
        if (!stage.streams) continue;
        const reader = await stage.connect(contract("odd", { version: "1.0.0" }, terms(fine, odd)));
        const item = await fails(take(reader.read()), "INTERNAL", "maybe");
        match(item.message, /^INTERNAL odd\.read → .*: the item could not be checked/);
      }
      // And where the server looks at what it sends.
      for (const odd of [late, broken]) {
        const place = odd === late ? "late" : "at once";
        const Odd = contract("odd", { version: "1.0.0" }, terms(odd, fine));
        await stage.serve(serve(Odd, handlers), {}, place);
        const client = await stage.connect(Served, {}, place);
        const error = await fails(client.ask(), "INTERNAL", "yes");
        equal(error.id, stage.incidents.at(-1)?.id);
        ok(!error.message.includes("hunter2"));
      }
      equal(stage.incidents.length, 2);
    },
  },
  {
    name: "a declared error that a client does not know is UNKNOWN, and the handler ran",
    play: async (stage) => {
      const older = contract("shop", { version: "1.0.0" }, { buy: call({ in: text, out: text }) });
      await stage.serve(
        serve(Shop, {
          buy: (item, { errors }) => {
            throw errors.SOLD_OUT(item);
          },
        }),
      );
      const client = await stage.connect(older);
      const error = await fails(client.buy("tea"), "UNKNOWN", "yes");
      match(error.reason, /SOLD_OUT, which this version of the contract does not declare/);
    },
  },
  {
    name: "data of a declared error is read by its schema, and data that does not match is told as such",
    play: async (stage) => {
      const served = contract(
        "shop",
        { version: "1.0.0" },
        { buy: call({ errors: { GONE: any<unknown>() } }) },
      );
      const asked = contract(
        "shop",
        { version: "1.0.0" },
        { buy: call({ errors: { GONE: number } }) },
      );
      const datas: unknown[] = [7, "seven"];
      await stage.serve(
        serve(served, {
          buy: (_input, { errors }) => {
            throw errors.GONE(datas.shift());
          },
        }),
      );
      const client = await stage.connect(asked);
      equal((await fails(client.buy(), "GONE", "yes")).data, 7);
      const error = await fails(client.buy(), "INTERNAL", "yes");
      match(error.reason, /the data of GONE does not match the contract: expected a number/);
    },
  },
  {
    name: "what one side calls an upload and the other a call, or a duplex and a stream, is asked for in vain and did not run",
    when: ({ kinds }) => kinds.includes("upload") && kinds.includes("duplex"),
    play: async (stage) => {
      const version = "1.0.0";
      const here = contract(
        "odd",
        { version },
        { a: call(), b: upload(), c: stream(), d: duplex() },
      );
      const there = contract(
        "odd",
        { version },
        { a: upload(), b: call(), c: duplex(), d: stream() },
      );
      let ran = 0;
      const work = (): void => void ran++;
      const items = (): void[] => [void ran++];
      await stage.serve(serve(there, { a: work, b: work, c: items, d: items }));
      const client = await stage.connect(here);
      const asked = [client.a(), client.b([]), take(client.c()), take(client.d([]))];
      for (const each of asked) equal((await failureOf(each)).executed, "no");
      equal(ran, 0);
    },
  },
  {
    name: "whether an upload may be repeated is told like that of a call",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const Three = contract(
        "three",
        { version: "1.0.0" },
        {
          once: upload(),
          often: upload({ idempotent: true }),
          keyed: upload({ idempotent: "by-key" }),
        },
      );
      const keys: (string | undefined)[] = [];
      const never = (_items: unknown, context: Context): Promise<never> => {
        keys.push(context.idempotencyKey);
        return aborted(context.signal);
      };
      const { client } = await stage.pair(Three, { once: never, often: never, keyed: never });
      const advices: string[] = [];
      for (const method of [client.once, client.often, client.keyed]) {
        const error = await outOfTime(stage, method([], { total: 300 }));
        advices.push(error.advice ?? "");
      }
      match(advices[0]!, /^not safe to repeat: "once" is not idempotent/);
      match(advices[1]!, /^safe to try again: "often" is idempotent/);
      match(advices[2]!, /pass the same idempotencyKey: "keyed"/);
      deepEqual(keys.slice(0, 2), [undefined, undefined]);
      ok(keys[2] !== undefined);
    },
  },
  {
    name: "a failure says which operation, where, and what to do",
    play: async (stage) => {
      const Three = contract(
        "three",
        { version: "1.0.0" },
        {
          once: call(),
          often: call({ idempotent: true }),
          keyed: call({ idempotent: "by-key" }),
          now: call(),
        },
      );
      // They end when all is asked: an answer of theirs could come just before the caller's own alarm.
      const asked = Promise.withResolvers<void>();
      const late = (): Promise<void> => asked.promise;
      const handlers = { once: late, often: late, keyed: late, now: () => {} };
      const { client } = await stage.pair(Three, handlers);
      await client.now(); // there is a connection before time counts
      const deadline = 300; // it must not be over before it has begun
      const address = await stage.address();
      const advices: string[] = [];
      for (const method of [client.once, client.often, client.keyed]) {
        const error = await fails(method(undefined, { deadline }), "DEADLINE_EXCEEDED", "maybe");
        equal(error.endpoint, address);
        ok(error.elapsedMs !== undefined && error.elapsedMs >= deadline);
        ok(
          error.message.startsWith(
            `DEADLINE_EXCEEDED ${error.operation} → ${address}: no answer within `,
          ),
        );
        advices.push(error.advice ?? "");
      }
      asked.resolve();
      match(advices[0]!, /^not safe to repeat: "once" is not idempotent/);
      match(advices[1]!, /^safe to try again: "often" is idempotent/);
      match(advices[2]!, /pass the same idempotencyKey: "keyed"/);
      if (stage.queued) return;
      const absent = await stage.connect(Three, { connectWait: 30 }, "nobody is there");
      const error = await fails(absent.once(), "UNAVAILABLE", "no");
      equal(error.operation, "three.once");
      match(error.message, /\n {2}executed: no · (attempts: \d+ in \d+ ms · )?./);
    },
  },
];
