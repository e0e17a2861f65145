import { deepEqual, equal, ok } from "node:assert/strict";

import type { Peer } from "../../base/peer.ts";
import { callbackTo } from "../callback.ts";
import type { Incoming } from "../incoming.ts";
import type { Caller } from "../protocol.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { type Services, whenCancelled } from "./services.ts";
import { fails, type Stage } from "./stage.ts";
import { numbers, puts } from "./streams.ts";
import { all, as, giving } from "./uploads.ts";

export const bothRolesCases: readonly Case[] = [
  {
    name: "a handler calls the peer that calls it, in every kind, over the one connection",
    play: async (stage) => {
      const { caller, back, server } = await introduced(stage);
      const { echo, count, sum, double, note } = stage.operations("back", 1, {
        echo: { kind: "call" },
        count: { kind: "stream" },
        sum: { kind: "upload", head: "json" },
        double: { kind: "duplex", head: "json" },
        note: { kind: "notification" },
      });
      const noted = Promise.withResolvers<unknown>();
      stage.back.answer(echo, (input) => input);
      stage.back.answer(note, (input) => noted.resolve(input));
      stage.back.produce(count, (input, _incoming, sink) => puts(sink, numbers(input as number)));
      stage.back.take(sum, async (_head, items) => (await all(items)).length);
      stage.back.converse(double, async (_head, items, _incoming, sink) => {
        for await (const item of items.open(as)) await puts(sink, [item, item]);
      });
      equal(await back.call(echo, "hello", stage.attempt()), "hello");
      await back.notify(note, 7, stage.attempt());
      equal(await noted.promise, 7);
      deepEqual(await new Reading(back, count, 1_000, stage.attempt()).all(), numbers(1_000));
      const items = giving(numbers(300));
      const unbounded = { idleMs: Infinity };
      equal(await back.upload(sum, null, items, stage.attempt(), unbounded), 300);
      const doubled = new Reading(back, double, null, stage.attempt(), { source: giving([1, 2]) });
      deepEqual(await doubled.all(), [1, 1, 2, 2]);
      equal(server.connections, 1);
      equal(caller.state, "ready");
    },
  },
  {
    name: "calls cross in both directions without mixing",
    play: async (stage) => {
      const { caller, back, there } = await introduced(stage);
      const { echo } = stage.operations("back", 1, { echo: { kind: "call" } });
      stage.back.answer(echo, (input) => `back ${String(input)}`);
      const forth = numbers(200).map((i) => caller.call(there, i, stage.attempt()));
      const backwards = numbers(200).map((i) => back.call(echo, i, stage.attempt()));
      deepEqual(
        await Promise.all(backwards),
        numbers(200).map((i) => `back ${i}`),
      );
      deepEqual(await Promise.all(forth), numbers(200));
    },
  },
  {
    name: "large inputs and answers cross in both directions: nobody stops reading for good",
    play: async (stage) => {
      const { caller, back } = await introduced(stage);
      const raw = { kind: "call", in: "raw", out: "raw" } as const;
      const { forth } = stage.operations("large", 1, { forth: raw });
      const { echo } = stage.operations("back", 1, { echo: raw });
      stage.services.answer(forth, (input) => input);
      stage.back.answer(echo, (input) => input);
      const block = Buffer.alloc(3_000_000, 7);
      const calls = numbers(12).flatMap(() => [
        caller.call(forth, block, stage.attempt()),
        back.call(echo, block, stage.attempt()),
      ]);
      for (const answer of await Promise.all(calls)) ok(block.equals(answer as Buffer));
    },
  },
  {
    name: "a handler that calls back before it answers is answered, at any depth",
    play: async (stage) => {
      const { down } = stage.operations("forth", 1, { down: { kind: "call" } });
      const { up } = stage.operations("back", 1, { up: { kind: "call" } });
      stage.services.answer(down, (depth, { peer }) =>
        depth === 0 ? "bottom" : callbackTo(peer)!.call(up, depth, stage.attempt()),
      );
      const { caller } = await stage.pair({}, { dispatcher: stage.back });
      stage.back.answer(up, (depth) => caller.call(down, (depth as number) - 1, stage.attempt()));
      equal(await caller.call(down, 20, stage.attempt()), "bottom");
    },
  },
  {
    name: "what the peer does not serve, or serves nothing at all, is refused before anything runs",
    play: async (stage) => {
      const { back } = await introduced(stage);
      const { absent } = stage.operations("back", 1, { absent: { kind: "call" } });
      await fails(back.call(absent, 0, stage.attempt()), "UNIMPLEMENTED", "no");
      const { there } = stage.operations("other", 1, { there: { kind: "call" } });
      const peers: Peer[] = [];
      stage.services.answer(there, (_input, { peer }) => peers.push(peer));
      await stage.connect().call(there, 0, stage.attempt());
      const serving = callbackTo(peers[0]!)!;
      const error = await fails(serving.call(absent, 0, stage.attempt()), "UNAVAILABLE", "no");
      ok(error.reason.includes("serves nothing"), error.reason);
    },
  },
  {
    name: "a peer that is gone cannot be called back, and what it was asked is not known",
    play: async (stage) => {
      const { caller, back } = await introduced(stage);
      const { hang } = stage.operations("back", 1, { hang: { kind: "call" } });
      const began = Promise.withResolvers<Incoming>();
      stage.back.answer(hang, (_input, incoming) => {
        began.resolve(incoming);
        return whenCancelled(incoming);
      });
      const asked = fails(back.call(hang, 0, stage.attempt()), "UNAVAILABLE", "maybe");
      await began.promise;
      await caller.close();
      await asked;
      equal((await began.promise).cancelled !== undefined, true);
      equal(back.state, "closed");
      await fails(back.call(hang, 0, stage.attempt()), "UNAVAILABLE", "no");
    },
  },
  {
    name: "a client that closes with time to spare answers what it was asked, and is asked nothing more",
    play: async (stage) => {
      const { caller, back, server } = await introduced(stage);
      const { slow } = stage.operations("back", 1, { slow: { kind: "call" } });
      const goes = Promise.withResolvers<string>();
      let began = 0;
      stage.back.answer(slow, () => {
        began++;
        return goes.promise;
      });
      const asked = back.call(slow, 0, stage.attempt());
      await stage.until(() => began === 1, "the client's handler runs");
      const closed = caller.close(5_000);
      await stage.until(() => back.state === "closed", "the server knows");
      await fails(back.call(slow, 0, stage.attempt()), "UNAVAILABLE", "no");
      goes.resolve("done");
      equal(await asked, "done");
      await closed;
      await stage.until(() => server.connections === 0, "the connection is closed");
    },
  },
  {
    name: "a draining server may still call back, and its client leaves when both have their answers",
    play: async (stage) => {
      const { work } = stage.operations("forth", 1, { work: { kind: "call" } });
      const { ask } = stage.operations("back", 1, { ask: { kind: "call" } });
      const goes = Promise.withResolvers<void>();
      stage.services.answer(work, async (_input, { peer }) => {
        await goes.promise;
        return callbackTo(peer)!.call(ask, 1, stage.attempt());
      });
      stage.back.answer(ask, () => "answered");
      const { caller, server } = await stage.pair({}, { dispatcher: stage.back });
      const working = caller.call(work, 0, stage.attempt());
      await stage.until(() => server.inFlight === 1, "the handler runs");
      const drained = server.drain(5_000);
      await stage.settle();
      goes.resolve();
      equal(await working, "answered");
      equal(await drained, 0);
    },
  },
  {
    name: "calls back are bounded too",
    play: async (stage) => {
      const { back } = await introduced(stage, { outstandingMax: 3 });
      const { hang } = stage.operations("back", 1, { hang: { kind: "call" } });
      const goes = Promise.withResolvers<void>();
      stage.back.answer(hang, () => goes.promise);
      const asked = numbers(3).map(() => back.call(hang, 0, stage.attempt()));
      await fails(back.call(hang, 0, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      goes.resolve();
      await Promise.all(asked);
    },
  },
];

interface Introduced {
  readonly server: Awaited<ReturnType<Stage["listen"]>>;
  readonly caller: Caller;
  /** Calls the caller's process back. */
  readonly back: Caller;
  readonly there: Parameters<Services["answer"]>[0];
}

/** A pair of which the server has been called once, so that it knows whom to call back. */
async function introduced(
  stage: Stage,
  serve: { outstandingMax?: number } = {},
): Promise<Introduced> {
  const { there } = stage.operations("forth", 1, { there: { kind: "call" } });
  const peers: Peer[] = [];
  stage.services.answer(there, (input, { peer }) => {
    peers.push(peer);
    return input;
  });
  const { caller, server } = await stage.pair(serve, { dispatcher: stage.back });
  await caller.call(there, 0, stage.attempt());
  return { server, caller, back: callbackTo(peers[0]!)!, there };
}
