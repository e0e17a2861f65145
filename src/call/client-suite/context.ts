import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { call, contract } from "../../contract/index.ts";
import { currentTrace } from "../served-context.ts";
import type { Case } from "./case.ts";
import { Front } from "./chain.ts";
import { fails } from "./stage.ts";

export const contextCases: readonly Case[] = [
  {
    name: "a handler sees its operation, its peer, and what its caller sent beside the input, and nothing of another call",
    play: async (stage) => {
      const seen: Context[] = [];
      const { client } = await stage.pair(Front, {
        ask: (input, context) => {
          seen.push(context);
          return input;
        },
        watch: () => [],
        tell: () => {},
      });
      await client.ask("a", { headers: { tenant: "acme", "x-empty": "" } });
      await client.ask("b");
      const [first, second] = seen;
      deepEqual({ ...first?.headers }, { tenant: "acme", "x-empty": "" });
      deepEqual({ ...second?.headers }, {});
      const { name, kind, contract: owner, version } = first!.operation;
      deepEqual([name, kind, owner, version], ["front.ask", "call", "front", "1.0.0"]);
      ok(first!.peer.address.length > 0);
    },
  },
  {
    name: "headers that would be changed or lost on their way are refused before anything is sent",
    play: async (stage) => {
      let ran = 0;
      const { client } = await stage.pair(Front, {
        ask: (input) => {
          ran++;
          return input;
        },
        watch: () => [],
        tell: () => {},
      });
      for (const headers of [
        { Tenant: "acme" },
        { tenant: 7 },
        { tenant: undefined },
        { big: "x".repeat(20_000) },
      ]) {
        const wrong = headers as unknown as Record<string, string>;
        await fails(client.ask("a", { headers: wrong }), "INVALID_ARGUMENT", "no");
        if (stage.streams)
          await fails(client.watch("a", { headers: wrong }).next(), "INVALID_ARGUMENT", "no");
        await fails(client.tell(undefined, { headers: wrong }), "INVALID_ARGUMENT", "no");
      }
      equal(ran, 0);
    },
  },
  {
    name: "calls side by side keep their traces apart",
    play: async (stage) => {
      const { client } = await stage.pair(Front, {
        ask: async (input, { trace }) => {
          for (let turns = 0; turns < 5; turns++) {
            equal(currentTrace()?.spanId, trace.spanId);
            await stage.turn();
          }
          return input;
        },
        watch: () => [],
        tell: () => {},
      });
      await Promise.all(Array.from({ length: 50 }, (_, i) => client.ask(String(i))));
    },
  },
  {
    name: "a by-key call has one key for all its tries: the caller's, or one made for it",
    play: async (stage) => {
      const Keyed = contract(
        "keyed",
        { version: "1.0.0" },
        { pay: call({ idempotent: "by-key" }), look: call({ idempotent: true }) },
      );
      const keys: (string | undefined)[] = [];
      const keep = (_input: unknown, { idempotencyKey }: Context): void =>
        void keys.push(idempotencyKey);
      const { client } = await stage.pair(Keyed, { pay: keep, look: keep });
      await client.pay(undefined, { idempotencyKey: "order-17" });
      await client.pay();
      await client.pay();
      await client.look();
      await client.look(undefined, { idempotencyKey: "" });
      deepEqual([keys[0], keys[3], keys[4]], ["order-17", undefined, ""]);
      match(keys[1]!, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      notEqual(keys[1], keys[2]);
    },
  },
];
