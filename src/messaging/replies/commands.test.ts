import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import type { ReplyTerms } from "../../broker/broker.ts";
import { command, contract } from "../../contract/index.ts";
import { Lab, type Bent } from "./testing/lab.ts";

const Order = z.object({ id: z.string() });
const Depot = contract(
  "depot",
  { version: "1.2.0" },
  {
    ship: command({
      in: Order,
      out: z.object({ parcel: z.string() }),
      errors: { LOST: z.object({ since: z.string() }) },
    }),
    weigh: command({ in: Order, out: z.string().transform((text) => text.length) }),
  },
);
const weigh = (): string => "heavy";
const ship = ({ id }: { id: string }): { parcel: string } => ({ parcel: `p-${id}` });

const transient: Bent = (broker) => ({
  capabilities: { ...broker.capabilities, replies: "transient" },
});

suite("commands", () => {
  test("a command resolves with a handle when it is enqueued, and the reply comes when it is done", async () => {
    await using lab = new Lab();
    const { publish } = await lab.asker(Depot);
    const handle = await publish.ship({ id: "7" });
    equal(handle.durable, true);
    await lab.serve(Depot, { ship, weigh });
    deepEqual(await handle.reply(), { parcel: "p-7" });
    deepEqual(await handle.result(), { ok: true, value: { parcel: "p-7" } });
  });

  test("a declared error is a reply: thrown with its data, or as a value, and done once", async () => {
    await using lab = new Lab();
    let ran = 0;
    await lab.serve(Depot, {
      ship: (_input, { errors }) => {
        ran++;
        throw errors.LOST({ since: "monday" });
      },
      weigh,
    });
    const { publish } = await lab.asker(Depot);
    const handle = await publish.ship({ id: "7" });
    await rejects(handle.reply(), {
      code: "LOST",
      data: { since: "monday" },
      executed: "yes",
      operation: "depot.ship",
    });
    const result = await handle.result();
    ok(!result.ok && result.error.code === "LOST");
    equal(result.error.data.since, "monday");
    equal(ran, 1);
  });

  test("what a schema makes of a reply is made once, by who asked; what does not match is told", async () => {
    await using lab = new Lab();
    await lab.serve(Depot, { ship, weigh });
    const { publish } = await lab.asker(Depot);
    equal(await (await publish.weigh({ id: "7" })).reply(), 5);
    const other = contract(
      "depot",
      { version: "1.0.0" },
      { weigh: command({ in: Order, out: z.number() }) },
    );
    const asker = await lab.asker(other, { name: "other" });
    await rejects((await asker.publish.weigh({ id: "7" })).reply(), {
      code: "INTERNAL",
      executed: "yes",
      reason: /the reply does not match the contract/,
    });
  });

  test("who waits in vain may wait again, as often as it likes", async () => {
    await using lab = new Lab();
    const { publish } = await lab.asker(Depot);
    const handle = await publish.ship({ id: "7" });
    const before = lab.env.now();
    await rejects(handle.reply({ within: "2s" }), { code: "DEADLINE_EXCEEDED", executed: "maybe" });
    equal(Math.round(lab.env.now() - before), 2_000);
    const { signal } = new AbortController();
    await rejects(handle.reply({ within: 5, signal }), { code: "DEADLINE_EXCEEDED" });
    const gone = AbortSignal.abort(new Error("enough"));
    await rejects(handle.reply({ signal: gone }), (error: Error) => {
      equal((error as { code?: string }).code, "CANCELLED");
      equal((error.cause as Error).message, "enough");
      return true;
    });
    await lab.serve(Depot, { ship, weigh });
    deepEqual(await handle.reply(), { parcel: "p-7" });
  });

  test("another process resumes with the token, before the reply has come and long after", async () => {
    await using lab = new Lab();
    const asker = await lab.asker(Depot, { name: "checkout" });
    const handle = await asker.publish.ship({ id: "7" });
    await asker.close();
    match(handle.token, /^1:depot@1\/ship:\d+:[0-9a-f-]{36}:checkout$/);

    const restarted = await lab.asker(Depot, { name: "checkout" });
    const resumed = restarted.publish.ship.resume(handle.token);
    equal(resumed.id, handle.id);
    const early = resumed.reply();
    await lab.settle();
    await lab.serve(Depot, { ship, weigh });
    deepEqual(await early, { parcel: "p-7" });

    await sleep(lab.env, 3_600_000);
    const elsewhere = await lab.asker(Depot, { name: "back office" });
    deepEqual(await elsewhere.publish.ship.resume(handle.token).reply(), { parcel: "p-7" });
    deepEqual(await elsewhere.publish.ship.resume(handle.token).reply(), { parcel: "p-7" });
  });

  test("a reply that fell out of memory is read again from its box", async () => {
    await using lab = new Lab();
    await lab.serve(Depot, { ship, weigh });
    const { publish } = await lab.asker(Depot);
    const first = await publish.ship({ id: "first" });
    await first.reply();
    await sleep(lab.env, 120_000);
    // More than are kept: the first one goes.
    for (let i = 0; i < 5; i++)
      await Promise.all(Array.from({ length: 1_000 }, () => publish.ship({ id: `${i}` })));
    await lab.settle();
    deepEqual(await publish.ship.resume(first.token).reply(), { parcel: "p-first" });
  });

  test("what is no token of this command is refused, and nothing is waited for", async () => {
    await using lab = new Lab();
    const { publish } = await lab.asker(Depot);
    const { token } = await publish.weigh({ id: "7" });
    const wrong = ["", "1", "2:depot@1/ship:1:a:b", "1:depot@1/ship:x:a:b", token, `${token}:x`];
    for (const text of [...wrong, "1:depot@1/ship:1:%zz:b", "1:depot@1/ship:1::b"])
      await rejects(async () => publish.ship.resume(text), { code: "INVALID_ARGUMENT" }, text);
  });

  test("where replies are transient the handle says so, and resuming is refused by name", async () => {
    await using lab = new Lab();
    await lab.serve(Depot, { ship, weigh });
    const { publish } = await lab.asker(Depot, { bent: transient });
    const handle = await publish.ship({ id: "7" });
    equal(handle.durable, false);
    deepEqual(await handle.reply(), { parcel: "p-7" });
    deepEqual(await handle.reply(), { parcel: "p-7" });
    await rejects(async () => publish.ship.resume(handle.token), { code: "UNIMPLEMENTED" });
    const durable = await lab.asker(Depot);
    const { token } = await durable.publish.ship({ id: "8" });
    await rejects(publish.ship.resume(token).reply(), {
      code: "UNIMPLEMENTED",
      reason: /memory keeps replies only for the process that has asked/,
    });
  });

  test("an incident is tried again, and replied when the command is given up", async () => {
    await using lab = new Lab();
    let ran = 0;
    const broken = {
      ship: () => {
        ran++;
        throw new Error("the belt is stuck");
      },
      weigh,
    };
    await lab.serve(Depot, broken, { consume: { retry: { soon: 2, later: 0 } } });
    const { publish } = await lab.asker(Depot);
    const error = await (await publish.ship({ id: "7" })).result();
    ok(!error.ok && error.error.code === "INTERNAL");
    equal(error.error.executed, "yes");
    ok(error.error.id !== undefined && !error.error.message.includes("belt"));
    equal(ran, 3);
    equal(lab.incidents.length, 3);
  });

  test("input that does not match is replied as such, and not tried again", async () => {
    await using lab = new Lab();
    let ran = 0;
    await lab.serve(Depot, { ship: () => ({ parcel: `${ran++}` }), weigh });
    const { publish } = await lab.asker(Depot, { checkSent: false });
    const handle = await publish.ship({ id: 7 as unknown as string });
    await rejects(handle.reply(), { code: "INVALID_ARGUMENT", executed: "no" });
    equal(ran, 0);
  });

  test("a refusal is truth: nothing ran, and it is tried again until it runs", async () => {
    await using lab = new Lab();
    let asked = 0;
    await lab.serve(Depot, {
      ship: (_input, context) => {
        if (++asked < 3) throw context.refuse("UNAVAILABLE", "the belt starts");
        return { parcel: `${asked}` };
      },
      weigh,
    });
    const { publish } = await lab.asker(Depot);
    deepEqual(await (await publish.ship({ id: "7" })).reply(), { parcel: "3" });
  });

  test("what an earlier attempt did stays true when the last one was refused", async () => {
    await using lab = new Lab();
    let asked = 0;
    const halfDone = (
      _input: unknown,
      context: { refuse: (code: "UNAVAILABLE", why: string) => Error },
    ) => {
      if (++asked === 1) throw new Error("half done");
      throw context.refuse("UNAVAILABLE", "not now");
    };
    await lab.serve(
      Depot,
      { ship: halfDone, weigh },
      { consume: { retry: { soon: 1, later: 0 } } },
    );
    const { publish } = await lab.asker(Depot);
    await rejects((await publish.ship({ id: "7" })).reply(), {
      code: "UNAVAILABLE",
      executed: "yes",
    });
  });

  test("a command that comes twice is done once, and replied twice with the same", async () => {
    await using lab = new Lab();
    let ran = 0;
    const replies: string[] = [];
    const counting: Bent = (broker) => ({
      reply: async (to, envelope) => {
        replies.push(envelope.id);
        await broker.reply(to, envelope);
      },
    });
    await lab.serve(Depot, { ship: () => ({ parcel: `${++ran}` }), weigh }, { bent: counting });
    const { publish } = await lab.asker(Depot);
    const first = await publish.ship({ id: "7" }, { id: "the-one" });
    deepEqual(await first.reply(), { parcel: "1" });
    const second = await publish.ship({ id: "7" }, { id: "the-one" });
    await lab.settle();
    deepEqual(await second.reply(), { parcel: "1" });
    equal(ran, 1);
    equal(replies.length, 2);
    equal(new Set(replies).size, 1);
  });

  test("a reply that cannot be sent is tried again, and what was done is not", async () => {
    await using lab = new Lab();
    let ran = 0;
    let failing = 3;
    const bent: Bent = (broker) => ({
      reply: async (to, envelope) => {
        if (failing-- > 0)
          throw systemError("UNAVAILABLE", "the connection is lost", { executed: "maybe" });
        await broker.reply(to, envelope);
      },
    });
    await lab.serve(Depot, { ship: () => ({ parcel: `${++ran}` }), weigh }, { bent });
    const { publish } = await lab.asker(Depot);
    deepEqual(await (await publish.ship({ id: "7" })).reply(), { parcel: "1" });
    equal(ran, 1);
  });

  test("the reply is with the broker before the command is done", async () => {
    await using lab = new Lab();
    const steps: string[] = [];
    const bent: Bent = (broker) => ({
      reply: async (to, envelope) => {
        await broker.reply(to, envelope);
        steps.push("replied");
      },
      consume: (subscription, deliver) =>
        broker.consume(subscription, (batch) =>
          deliver(
            batch.map((delivery) => ({
              ...delivery,
              envelope: delivery.envelope,
              attempt: delivery.attempt,
              redelivered: delivery.redelivered,
              shard: delivery.shard,
              generation: delivery.generation,
              release: (at?: number) => delivery.release(at),
              ack: async () => {
                steps.push("acked");
                await delivery.ack();
              },
            })),
          ),
        ),
    });
    await lab.serve(Depot, { ship, weigh }, { bent });
    const { publish } = await lab.asker(Depot);
    await (await publish.ship({ id: "7" })).reply();
    await lab.settle();
    deepEqual(steps, ["replied", "acked"]);
  });

  test("a box that cannot be opened fails the command before it is sent, and is tried again with the next", async () => {
    await using lab = new Lab();
    await lab.serve(Depot, { ship, weigh });
    let failing = 1;
    const bent: Bent = (broker) => ({
      replies: async (terms: ReplyTerms, heard) => {
        if (failing-- > 0) throw systemError("UNAVAILABLE", "not now", { executed: "no" });
        return broker.replies(terms, heard);
      },
    });
    const { publish } = await lab.asker(Depot, { bent });
    await rejects(publish.ship({ id: "7" }), { code: "UNAVAILABLE", executed: "no" });
    deepEqual(await (await publish.ship({ id: "8" })).reply(), { parcel: "p-8" });
  });

  test("closing tells those who wait, and leaves no alarm", async () => {
    await using lab = new Lab();
    const { publish, close } = await lab.asker(Depot);
    const handle = await publish.ship({ id: "7" });
    const waiting = rejects(handle.reply(), { code: "CANCELLED", executed: "maybe" });
    await lab.settle();
    await close();
    await waiting;
    equal(lab.env.alarms, 0);
  });
});
