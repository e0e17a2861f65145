import { deepEqual, equal, match, ok } from "node:assert/strict";

import { TrunklineError } from "../../base/error.ts";
import { call, contract } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, text } from "./schemas.ts";
import { fails } from "./stage.ts";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  { buy: call({ in: text, out: text, errors: { SOLD_OUT: text } }) },
);

export const truthCases: readonly Case[] = [
  {
    name: "an exception that nobody expected is reported once; its caller gets the report's id and nothing else of it",
    play: async (stage) => {
      const thrown: unknown[] = [
        new Error("the password is hunter2"),
        new RangeError("hunter2"),
        "hunter2",
        { secret: "hunter2" },
        null,
        undefined,
      ];
      let next = 0;
      const { client } = await stage.pair(Shop, {
        buy: () => {
          throw thrown[next++];
        },
      });
      for (const exception of thrown) {
        const error = await fails(client.buy("tea"), "INTERNAL", "yes");
        const incident = stage.incidents.at(-1)!;
        equal(incident.error, exception);
        deepEqual([incident.id, incident.operation], [error.id, "shop.buy"]);
        ok(error.id !== undefined && error.message.includes(error.id));
        ok(!JSON.stringify([error, error.message, error.cause, error.data]).includes("hunter2"));
        ok(!error.stack!.includes("hunter2"));
      }
      equal(stage.incidents.length, thrown.length);
      equal(new Set(stage.incidents.map(({ id }) => id)).size, thrown.length);
    },
  },
  {
    name: "it makes no difference whether a handler throws or rejects",
    play: async (stage) => {
      const { client } = await stage.pair(Shop, {
        buy: async (item, { errors }) => {
          if (item === "late") await stage.turn();
          throw errors.SOLD_OUT(item);
        },
      });
      for (const item of ["now", "late"]) {
        const error = await fails(client.buy(item), "SOLD_OUT", "yes");
        deepEqual([error.data, error.declared], [item, true]);
        equal(error.operation, "shop.buy");
      }
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "input that does not match the contract runs no handler, whoever notices it",
    play: async (stage) => {
      let ran = 0;
      const handlers = {
        buy: (item: string) => {
          ran++;
          return item;
        },
      };
      const { client } = await stage.pair(Shop, handlers);
      const trusting = await stage.connect(Shop, { checkSent: false });
      for (const each of [client, trusting]) {
        const error = await fails(each.buy(7 as unknown as string), "INVALID_ARGUMENT", "no");
        match(error.reason, /the input does not match the contract: expected text/);
        equal(error.operation, "shop.buy");
      }
      deepEqual([ran, stage.incidents.length], [0, 0]);
    },
  },
  {
    name: "output that does not match the contract is the server's fault: the handler ran, and it is reported",
    play: async (stage) => {
      const wrong = { buy: () => 7 as unknown as string };
      const { client } = await stage.pair(Shop, wrong);
      const error = await fails(client.buy("tea"), "INTERNAL", "yes");
      equal(error.id, stage.incidents[0]?.id);
      match(String(stage.incidents[0]?.error), /the output does not match the contract/);
      // So is what is there only later.
      await stage.serve(serve(Shop, { buy: async () => wrong.buy() }), {}, "later");
      const waiting = await stage.connect(Shop, {}, "later");
      equal((await fails(waiting.buy("tea"), "INTERNAL", "yes")).id, stage.incidents[1]?.id);
      // A server that does not look at what it sends is found out by its client.
      await stage.serve(serve(Shop, wrong), { checkSent: false }, "blind");
      const other = await stage.connect(Shop, {}, "blind");
      match((await fails(other.buy("tea"), "INTERNAL", "yes")).reason, /the answer does not match/);
      equal(stage.incidents.length, 2);
    },
  },
  {
    name: "output that cannot be written is reported, and the handler ran",
    play: async (stage) => {
      const Odd = contract("odd", { version: "1.0.0" }, { get: call({ out: any<unknown>() }) });
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      const { client } = await stage.pair(Odd, { get: () => circle });
      const error = await fails(client.get(), "INTERNAL", "yes");
      deepEqual([error.id, stage.incidents.length], [stage.incidents[0]?.id, 1]);
    },
  },
  {
    name: "a declared error whose data does not match its schema, or cannot be written, is none",
    play: async (stage) => {
      const Odd = contract(
        "odd",
        { version: "1.0.0" },
        { get: call({ errors: { WRONG: text, UNWRITABLE: any<unknown>() } }) },
      );
      const { client } = await stage.pair(Odd, {
        get: (_input, { errors }) => {
          throw stage.incidents.length === 0
            ? errors.WRONG(7 as unknown as string)
            : errors.UNWRITABLE(7n);
        },
      });
      for (let count = 1; count <= 2; count++) {
        const error = await fails(client.get(), "INTERNAL", "yes");
        deepEqual([error.id, stage.incidents.length], [stage.incidents.at(-1)?.id, count]);
      }
    },
  },
  {
    name: "only context.refuse says that nothing was done, and it is no incident",
    play: async (stage) => {
      const { client } = await stage.pair(Shop, {
        buy: (item, context) => {
          throw context.refuse("RESOURCE_EXHAUSTED", `no room for ${item}`);
        },
      });
      const error = await fails(client.buy("tea"), "RESOURCE_EXHAUSTED", "no");
      equal(error.reason, "no room for tea");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "an error that only looks like one of the contract's is an incident",
    play: async (stage) => {
      const Other = contract(
        "other",
        { version: "1.0.0" },
        {
          first: call({ errors: { SOLD_OUT: text } }),
          second: call({ errors: { SOLD_OUT: text } }),
        },
      );
      let stolen: Error | undefined;
      const { client } = await stage.pair(Other, {
        first: (_input, { errors }) => {
          stolen = errors.SOLD_OUT("first");
          throw stolen;
        },
        second: () => {
          throw (
            stolen ??
            new TrunklineError("SOLD_OUT", "made by hand", { executed: "no", declared: true })
          );
        },
      });
      await fails(client.second(), "INTERNAL", "yes");
      await fails(client.first(), "SOLD_OUT", "yes");
      await fails(client.second(), "INTERNAL", "yes");
      equal(stage.incidents.length, 2);
    },
  },
  {
    name: "a system error made by hand in a handler is an incident, whatever it says of itself",
    play: async (stage) => {
      const { client } = await stage.pair(Shop, {
        buy: () => {
          throw new TrunklineError("UNAVAILABLE", "not here", { executed: "no" });
        },
      });
      const error = await fails(client.buy("tea"), "INTERNAL", "yes");
      equal(error.cause, undefined);
      equal(stage.incidents.length, 1);
    },
  },
  {
    name: "what a call made by a handler says of itself is not passed on: neither its `no` nor its declared error",
    play: async (stage) => {
      const Stock = contract(
        "stock",
        { version: "1.0.0" },
        { take: call({ in: text, out: text, errors: { SOLD_OUT: text } }) },
      );
      await stage.serve(
        serve(Stock, {
          take: (item, { errors, refuse }) => {
            if (item === "refused") throw refuse("UNAVAILABLE", "closed");
            throw errors.SOLD_OUT(item);
          },
        }),
        {},
        "stock",
      );
      const stock = await stage.connect(Stock, {}, "stock");
      const { client } = await stage.pair(Shop, { buy: (item) => stock.take(item) });
      const refused = await fails(client.buy("refused"), "INTERNAL", "yes");
      deepEqual(refused.cause, { operation: "stock.take", code: "UNAVAILABLE" });
      const soldOut = await fails(client.buy("tea"), "INTERNAL", "yes");
      deepEqual(soldOut.cause, { operation: "stock.take", code: "SOLD_OUT" });
      equal(soldOut.declared, false);
      equal(stage.incidents.length, 2);
    },
  },
  {
    name: "a handler may make a failure of another call its own",
    play: async (stage) => {
      const Stock = contract(
        "stock",
        { version: "1.0.0" },
        { take: call({ errors: { GONE: text } }) },
      );
      await stage.serve(
        serve(Stock, {
          take: (_input, { errors }) => {
            throw errors.GONE("tea");
          },
        }),
        {},
        "stock",
      );
      const stock = await stage.connect(Stock, {}, "stock");
      const { client } = await stage.pair(Shop, {
        buy: async (_item, { errors }) => {
          const taken = await stock.take.result();
          if (!taken.ok && taken.error.code === "GONE") throw errors.SOLD_OUT(taken.error.data);
          return "bought";
        },
      });
      const error = await fails(client.buy("tea"), "SOLD_OUT", "yes");
      equal(error.data, "tea");
    },
  },
];
