import { deepEqual, match } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { chassis } from "../chassis/chassis.ts";
import { call, contract, stream } from "../contract/index.ts";
import { trial } from "./trial.ts";

/*
 * Goal: what a process is asked over HTTP stands where its contract puts it, which the command line knows from its description
 * alone.
 */
const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: z.object({ item: z.string() }), out: z.object({ id: z.string() }) }),
    get: call({
      in: z.string(),
      out: z.string(),
      errors: { NOT_FOUND: z.string() },
      idempotent: true,
    }),
    list: call({ in: z.object({ limit: z.int() }), out: z.array(z.int()), idempotent: true }),
    watch: stream({ in: z.string(), out: z.string() }),
  },
);

test("operations are called over HTTP by their description alone", async () => {
  await using app = await chassis({
    name: "shop",
    listen: "http://127.0.0.1:0",
    reflection: true,
    signals: false,
    serve: [
      serve(Orders, {
        place: ({ item }) => ({ id: `o-${item}` }),
        get(id, { errors }) {
          if (id === "none") throw errors.NOT_FOUND(id);
          return `order ${id}`;
        },
        list: ({ limit }) => Array.from({ length: limit }, (_, index) => index),
        *watch(id) {
          yield `${id} placed`;
          yield `${id} shipped`;
        },
      }),
    ],
  });
  const address = app.addresses[0]!;
  const called = async (path: string, input: string) => {
    const { code, out, err } = await trial(["call", address, path, input]);
    return [code, out, err] as const;
  };
  deepEqual(await called("orders.place", '{"item":"kettle"}'), [0, '{"id":"o-kettle"}\n', ""]);
  deepEqual(await called("orders.get", '"o-7"'), [0, '"order o-7"\n', ""]);
  deepEqual(await called("orders.list", '{"limit":3}'), [0, "[0,1,2]\n", ""]);
  deepEqual(await called("orders.watch", '"o-7"'), [0, '"o-7 placed"\n"o-7 shipped"\n', ""]);
  const [, out, err] = await called("orders.get", '"none"');
  match(out + err, /NOT_FOUND orders\.get → http:\/\/127\.0\.0\.1:\d+[^]*executed: yes/);
  const [code, , wrong] = await called("orders.place", '{"itm":1}');
  match(`${code} ${wrong}`, /INVALID_ARGUMENT orders\.place[^]*executed: no/);
});
