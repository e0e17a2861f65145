import { equal } from "node:assert/strict";
import { test } from "node:test";

import { z } from "zod";

import { isTrunklineError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { client } from "../chassis/client.ts";
import { contract } from "../contract/contract.ts";
import { stream } from "../contract/stream.ts";
import { virtualEnv } from "./sim-env.ts";
import { SimNetwork } from "./sim-network.ts";

const Stock = contract(
  "stock",
  { version: "1.0.0" },
  {
    watch: stream({
      out: z.number(),
      errors: { SOLD_OUT: z.string().transform((text) => `${text}!`) },
    }),
  },
);

test("the data of a stream's error is read once, also behind an interceptor", () => {
  const env = virtualEnv();
  const transports = [new SimNetwork(env.world)];
  const through: Interceptor = (next) => (input, context) => next(input, { ...context });
  return env.world.play(async () => {
    await chassis({
      name: "stock",
      listen: "memory:stock",
      serve: [
        serve(Stock, {
          async *watch(_, { errors }) {
            yield 1;
            throw errors.SOLD_OUT("bolts");
          },
        }),
      ],
      signals: false,
      env,
      transports,
    });
    for (const aroundCall of [[], [through]]) {
      const stock = client(Stock, "memory:stock", { aroundCall, env, transports });
      try {
        for await (const item of stock.watch(undefined)) equal(item, 1);
      } catch (error) {
        equal(isTrunklineError(error) && error.data, "bolts!");
      }
      await stock[Symbol.asyncDispose]();
    }
  });
});
