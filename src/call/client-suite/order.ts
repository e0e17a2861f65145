import { deepEqual, equal, ok } from "node:assert/strict";

import {
  call,
  contract,
  duplex,
  notification,
  stream,
  upload,
  type Schema,
} from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, slow } from "./schemas.ts";
import { fails, take } from "./stage.ts";

interface Step {
  readonly flight: { readonly id: string | number };
  readonly step: number;
}

const Flights = contract(
  "flights",
  { version: "1.0.0" },
  {
    move: call({ in: any<Step>(), key: "flight.id" }),
    seen: notification({ in: any<Step>(), key: "flight.id" }),
    follow: stream({ in: any<Step>(), key: "flight.id" }),
    free: call({ in: any<Step>() }),
  },
);

function step(id: string | number, number: number): Step {
  return { flight: { id }, step: number };
}

export const orderCases: readonly Case[] = [
  {
    name: "calls of one key run one after the other in their order, those of different keys side by side",
    play: async (stage) => {
      const steps = new Map<string, number[]>();
      let running = 0;
      let together = 0;
      const busy = new Set<string>();
      const { client } = await stage.pair(Flights, {
        move: async ({ flight, step: number }) => {
          const id = String(flight.id);
          ok(!busy.has(id), "never two of one key");
          busy.add(id);
          together = Math.max(together, ++running);
          for (let turns = (number * 7) % 5; turns > 0; turns--) await stage.turn();
          steps.set(id, [...(steps.get(id) ?? []), number]);
          running--;
          busy.delete(id);
        },
        seen: () => {},
        follow: () => [],
        free: () => {},
      });
      const calls = Array.from({ length: 200 }, (_, i) => client.move(step(i % 4, i)));
      await Promise.all(calls);
      for (const [id, numbers] of steps) {
        deepEqual(
          numbers,
          Array.from({ length: 50 }, (_, i) => i * 4 + Number(id)),
        );
      }
      ok(together > 1);
    },
  },
  {
    name: "a key is the same as number and as text, and without a key there is no order",
    play: async (stage) => {
      const ran: string[] = [];
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const { client } = await stage.pair(Flights, {
        move: async ({ step: number }) => {
          ran.push(`begin ${number}`);
          await gates[number]?.promise;
          ran.push(`end ${number}`);
        },
        seen: () => {},
        follow: () => [],
        free: ({ step: number }) => void ran.push(`free ${number}`),
      });
      const first = client.move(step(7, 0));
      const second = client.move(step("7", 1));
      const other = client.move(step("", 2));
      await Promise.all([other, client.free(step(7, 3))]);
      deepEqual(
        ran.filter((line) => line.startsWith("begin")),
        ["begin 0", "begin 2"],
      );
      gates[1]!.resolve();
      gates[0]!.resolve();
      await Promise.all([first, second]);
      deepEqual(ran.slice(-3), ["end 0", "begin 1", "end 1"]);
    },
  },
  {
    name: "a failure does not hold up those who come after it with the same key",
    play: async (stage) => {
      let ran = 0;
      const { client } = await stage.pair(Flights, {
        move: ({ step: number }) => {
          ran++;
          if (number % 2 === 0) throw new Error("it broke");
        },
        seen: () => {},
        follow: () => [],
        free: () => {},
      });
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) => client.move.result(step(1, i))),
      );
      deepEqual(
        results.map(({ ok: good }) => good),
        results.map((_, i) => i % 2 === 1),
      );
      equal(ran, 20);
    },
  },
  {
    name: "notifications and streams of one key keep their order too",
    play: async (stage) => {
      const told: number[] = [];
      let reading = 0;
      const { client } = await stage.pair(Flights, {
        move: () => {},
        seen: async ({ step: number }) => {
          for (let turns = 3 - (number % 3); turns > 0; turns--) await stage.turn();
          told.push(number);
        },
        async *follow() {
          equal(++reading, 1, "never two of one key");
          await stage.turn();
          yield;
          reading--;
        },
        free: () => {},
      });
      for (let i = 0; i < 30; i++) await client.seen(step("x", i));
      await stage.until(() => told.length === 30, "all are told");
      deepEqual(
        told,
        Array.from({ length: 30 }, (_, i) => i),
      );
      if (!stage.streams) return;
      await Promise.all(Array.from({ length: 10 }, () => take(client.follow(step("y", 0)))));
    },
  },
  {
    name: "uploads and duplexes of one key, which is a field of their head, run one after the other in their order",
    when: ({ kinds }) => kinds.includes("upload") && kinds.includes("duplex"),
    play: async (stage) => {
      const patient = slow(async ({ step: number }: Step) => {
        for (let turns = (number * 7) % 10; turns > 0; turns--) await stage.turn();
      });
      const ordered = (head: Schema<Step>) =>
        contract(
          "ordered",
          { version: "1.0.0" },
          {
            put: upload({ head, in: any<number>(), key: "flight.id" }),
            swap: duplex({ head, in: any<number>(), out: any<number>(), key: "flight.id" }),
          },
        );
      const ran: string[] = [];
      const busy = new Set<string>();
      const work = async (
        items: AsyncIterable<number>,
        { head }: { head: Step },
      ): Promise<void> => {
        const { flight, step: number } = head;
        const id = String(flight.id);
        ok(!busy.has(id), "never two of one key");
        busy.add(id);
        for await (const item of items) equal(item, number);
        ran.push(`${id} ${number}`);
        busy.delete(id);
      };
      // The server takes the heads as they come: what it sees is the order in which they were sent.
      await stage.serve(
        serve(ordered(any<Step>()), {
          put: work,
          swap: async (items, context) => {
            await work(items, context);
            return [];
          },
        }),
      );
      const client = await stage.connect(ordered(patient));
      const numbers = Array.from({ length: 10 }, (_, i) => i);
      const items = async function* (number: number): AsyncGenerator<number> {
        for (let turns = (number * 3) % 5; turns > 0; turns--) {
          await stage.turn();
          yield number;
        }
      };
      await Promise.all(numbers.map((i) => client.put(items(i), { head: step("a", i) })));
      deepEqual(
        ran.splice(0),
        numbers.map((i) => `a ${i}`),
      );
      await Promise.all(numbers.map((i) => take(client.swap(items(i), { head: step(i % 2, i) }))));
      for (const id of ["0", "1"]) {
        deepEqual(
          ran.filter((line) => line.startsWith(id)),
          numbers.filter((i) => i % 2 === Number(id)).map((i) => `${id} ${i}`),
        );
      }
    },
  },
  {
    name: "input that has no such field has no key, and input that is wrong is refused in its turn",
    play: async (stage) => {
      const { client } = await stage.pair(Flights, {
        move: () => {},
        seen: () => {},
        follow: () => [],
        free: () => {},
      });
      for (const input of [{}, { flight: null }, { flight: { id: {} } }, 7, null, [1]]) {
        await client.move(input as unknown as Step);
      }
      await fails(client.move(7n as unknown as Step), "INVALID_ARGUMENT", "no");
    },
  },
  {
    name: "what is sent keeps its order too, when schemas take more time with one input than with the next",
    play: async (stage) => {
      const patient = slow(async ({ step: number }: Step) => {
        for (let turns = (number * 7) % 10; turns > 0; turns--) await stage.turn();
        if (number === 3) throw new Error("the schema broke");
      });
      const Patient = contract(
        "patient",
        { version: "1.0.0" },
        {
          move: call({ in: patient, key: "flight.id" }),
          follow: stream({ in: patient, key: "flight.id" }),
        },
      );
      const seen: number[] = [];
      const handlers = {
        move: ({ step: number }: Step) => void seen.push(number),
        follow: ({ step: number }: Step) => {
          seen.push(number);
          return [];
        },
      };
      // The server takes what comes without looking at it, in the order in which it comes.
      const Quick = contract(
        "patient",
        { version: "1.0.0" },
        {
          move: call({ in: any<Step>(), key: "flight.id" }),
          follow: stream({ in: any<Step>(), key: "flight.id" }),
        },
      );
      await stage.serve(serve(Quick, handlers));
      const client = await stage.connect(Patient);
      const numbers = Array.from({ length: 10 }, (_, i) => i);
      const moves = numbers.map((i) => client.move.result(step("a", i)));
      const results = await Promise.all(moves);
      deepEqual(
        results.map(({ ok: good }) => good),
        numbers.map((i) => i !== 3),
      );
      const sent = numbers.filter((i) => i !== 3);
      deepEqual(seen.splice(0), sent);
      if (!stage.streams) return;
      await Promise.all(sent.map((i) => take(client.follow(step("b", i)))));
      deepEqual(seen, sent);
    },
  },
];
