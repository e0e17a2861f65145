import { deepEqual, equal } from "node:assert/strict";

import { call, contract, stream } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { Counting, number, slow } from "./schemas.ts";
import { failureOf, take } from "./stage.ts";

/** A contract whose every payload is changed by its schema, each time by one. */
class Changing {
  readonly in: Counting = new Counting();
  readonly out: Counting = new Counting();
  readonly item: Counting = new Counting();
  readonly error: Counting = new Counting();
  readonly contract = contract(
    "changing",
    { version: "1.0.0" },
    {
      ask: call({ in: this.in.schema, out: this.out.schema, errors: { WRONG: this.error.schema } }),
      items: stream({
        in: this.in.schema,
        out: this.item.schema,
        errors: { WRONG: this.error.schema },
      }),
    },
  );
}

export const onceCases: readonly Case[] = [
  {
    name: "what a schema makes of a value is made once, by the receiver: the wire carries what was given",
    play: async (stage) => {
      for (const checkSent of [true, false]) {
        const changing = new Changing();
        const seen: number[] = [];
        const place = `checkSent ${checkSent}`;
        const service = serve(changing.contract, {
          ask: (input, { errors }) => {
            seen.push(input);
            if (input > 100) throw errors.WRONG(input);
            return input;
          },
          *items(input, { errors }) {
            seen.push(input);
            yield input;
            yield input + 10;
            if (input === 8) throw errors.WRONG(input);
          },
        });
        await stage.serve(service, { checkSent }, place);
        const client = await stage.connect(changing.contract, { checkSent }, place);

        equal(await client.ask(1), 3);
        equal((await failureOf(client.ask(200))).data, 202);
        deepEqual(seen, [2, 201]);
        if (!stage.streams) continue;
        deepEqual(await take(client.items(5)), [7, 17]);
        deepEqual(seen, [2, 201, 6]);
        const failing = client.items(7);
        deepEqual([(await failing.next()).value, (await failing.next()).value], [9, 19]);
        equal((await failureOf(failing.next())).data, 9);

        // Each value is read by each receiver, and looked at by each sender when that is asked for.
        const looks = checkSent ? 2 : 1;
        deepEqual(
          [changing.in.runs, changing.out.runs, changing.item.runs, changing.error.runs],
          [4 * looks, 1 * looks, 4 * looks, 2 * looks],
        );
      }
    },
  },
  {
    name: "a schema may take its time: items keep their order, and errors their data",
    play: async (stage) => {
      const patient = slow(async (value: number) => {
        for (let turns = 10 - value; turns > 0; turns--) await stage.turn();
      });
      const Patient = contract(
        "patient",
        { version: "1.0.0" },
        {
          ask: call({ in: patient, out: patient, errors: { WRONG: patient } }),
          items: stream({ in: patient, out: patient, errors: { WRONG: patient } }),
        },
      );
      const { client } = await stage.pair(Patient, {
        ask: (input, { errors }) => {
          if (input === 7) throw errors.WRONG(7);
          return input;
        },
        *items(to, { errors }) {
          for (let i = 0; i < to; i++) yield i;
          throw errors.WRONG(to);
        },
      });
      equal(await client.ask(3), 3);
      equal((await failureOf(client.ask(7))).data, 7);
      if (!stage.streams) return;
      const items = client.items(10);
      const results = await Promise.all(Array.from({ length: 10 }, () => items.next()));
      deepEqual(
        results.map(({ value }) => value),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      const error = await failureOf(items.next());
      deepEqual([error.code, error.data, error.operation], ["WRONG", 10, "patient.items"]);
    },
  },
  {
    name: "the receiver looks at everything, also when its sender does not",
    play: async (stage) => {
      const Strict = contract(
        "strict",
        { version: "1.0.0" },
        { ask: call({ in: number, out: number }), items: stream({ in: number, out: number }) },
      );
      await stage.serve(
        serve(Strict, {
          ask: (n) => `${n}` as unknown as number,
          items: () => ["a" as unknown as number],
        }),
        { checkSent: false },
      );
      const client = await stage.connect(Strict, { checkSent: false });
      const codes = [
        await failureOf(client.ask(1)),
        await failureOf(client.ask("1" as unknown as number)),
        ...(stage.streams
          ? [
              await failureOf(client.items("1" as unknown as number).next()),
              await failureOf(client.items(1).next()),
            ]
          : []),
      ].map(({ code, executed }) => `${code} ${executed}`);
      deepEqual(codes, [
        "INTERNAL yes",
        "INVALID_ARGUMENT no",
        ...(stage.streams ? ["INVALID_ARGUMENT no", "INTERNAL maybe"] : []),
      ]);
    },
  },
];
