import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import { sleep } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import { systemError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Delivery } from "../../broker/broker.ts";
import { memory } from "../../broker/memory/index.ts";
import { LoadGate } from "../../call/load/load-gate.ts";
import { makeClient } from "../../call/client.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { serve, Services } from "../../call/serve.ts";
import { call, contract, notification, stream } from "../../contract/index.ts";
import { BrokerCaller } from "./caller.ts";
import { requestChannel } from "./request.ts";
import { serveCalls, type CallServer } from "./server.ts";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  {
    buy: call({ in: z.string(), out: z.string() }),
    look: call({ in: z.string(), out: z.string(), idempotent: true }),
    pay: call({ in: z.string(), out: z.string(), idempotent: "by-key" }),
    move: call({ in: z.object({ id: z.string(), step: z.number() }), key: "id" }),
    tell: notification({ in: z.string() }),
    watch: stream({ out: z.string() }),
  },
);
type Shops = Handlers<typeof Shop>;

const quiet: Shops = {
  buy: (item) => item,
  look: (item) => item,
  pay: (item) => item,
  move: () => {},
  tell: () => {},
  watch: () => [],
};

/** Both sides of calls over one broker in memory, in virtual time. */
class Lab implements AsyncDisposable {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly #closes: (() => Promise<unknown>)[] = [];

  async broker(otherwise: (broker: Broker) => Partial<Broker> = () => ({})): Promise<Broker> {
    const broker = await memory().open("memory:calls", { name: "lab" }, this.env);
    this.#closes.push(() => broker.close());
    const bent = otherwise(broker);
    return new Proxy(broker, {
      get: (target, name) => {
        if (Object.hasOwn(bent, name)) return bent[name as keyof Broker];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }

  async serve(
    handlers: Partial<Shops>,
    broker?: Broker,
    inFlightMax?: number,
    gate?: LoadGate,
  ): Promise<CallServer> {
    const options = { interceptors: [], checkSent: true, gate };
    const services = new Services([serve(Shop, { ...quiet, ...handlers })], options, this.env);
    const server = await serveCalls(
      broker ?? (await this.broker()),
      services,
      { inFlightMax },
      this.env,
    );
    this.#closes.push(() => server.drain(0));
    return server;
  }

  client(open: () => Promise<Broker> = () => this.broker()) {
    let opened: Promise<Broker> | undefined;
    const again = (): Promise<Broker> =>
      (opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      }));
    const source = { address: "memory:calls", open: again, release: () => Promise.resolve() };
    const caller = new BrokerCaller(source, {}, this.env);
    const calling = { caller, env: this.env, deadlineMs: 10_000, checkSent: true };
    const client = makeClient(Shop, calling, () => caller.close());
    this.#closes.push(async () => client[Symbol.asyncDispose]());
    return client;
  }

  async settle(): Promise<void> {
    for (let turns = 0; turns < 20; turns++)
      await new Promise<void>((resolve) => this.env.yield(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closes.toReversed()) await close();
    equal(this.env.alarms, 0, "no alarm stays");
  }
}

const stuck = (): Promise<never> => new Promise(() => {});

suite("calls by way of a broker", () => {
  test("a server that starts after the call answers it, as long as its deadline is not over", async () => {
    await using lab = new Lab();
    const client = lab.client();
    const early = client.buy("tea");
    const late = rejects(client.buy("coffee", { deadline: "1s" }), {
      code: "DEADLINE_EXCEEDED",
      executed: "maybe",
    });
    await sleep(lab.env, 2_000);
    const bought: string[] = [];
    await lab.serve({ buy: (item) => (bought.push(item), item) });
    equal(await early, "tea");
    await late;
    deepEqual(bought, ["tea"]);
  });

  test("a request whose server dies is done again where that is safe, and else its caller is told maybe", async () => {
    await using lab = new Lab();
    const dying = await lab.broker();
    const begun: string[] = [];
    const first = (item: string): Promise<never> => (begun.push(item), stuck());
    await lab.serve({ buy: first, look: first, pay: first, tell: first }, dying);
    const client = lab.client();
    const asked = Promise.allSettled([
      client.buy("tea"),
      client.look("tea"),
      client.pay("tea", { idempotencyKey: "k" }),
    ]);
    await client.tell("tea");
    await lab.settle();
    deepEqual(begun, ["tea", "tea", "tea", "tea"]);
    const again: string[] = [];
    const second = (kind: string) => (item: string) => (again.push(kind), `${item} again`);
    await lab.serve({
      buy: second("buy"),
      look: second("look"),
      pay: second("pay"),
      tell: (item) => void second("tell")(item),
    });
    await dying.close();
    const [buy, look, pay] = await asked;
    ok(buy?.status === "rejected" && pay?.status === "rejected");
    for (const { reason } of [buy, pay]) {
      const { code, executed } = reason as { code: string; executed: string };
      deepEqual([code, executed], ["UNAVAILABLE", "maybe"]);
    }
    deepEqual(look, { status: "fulfilled", value: "tea again" });
    deepEqual(again, ["look"]);
  });

  test("what was refused the second time may have been done the first time", async () => {
    await using lab = new Lab();
    const dying = await lab.broker();
    await lab.serve({ look: stuck }, dying);
    const asked = lab.client().look("tea");
    await lab.settle();
    await lab.serve({
      look: (_item, context) => {
        throw context.refuse("PERMISSION_DENIED", "not you");
      },
    });
    await dying.close();
    await rejects(asked, { code: "PERMISSION_DENIED", executed: "maybe" });
  });

  test("a reply that cannot be sent is sent when the request comes again, and nothing is done again", async () => {
    await using lab = new Lab();
    let failing = 2;
    const broker = await lab.broker((own) => ({
      reply: async (to, envelope) => {
        if (failing-- > 0)
          throw systemError("UNAVAILABLE", "the connection is lost", { executed: "maybe" });
        await own.reply(to, envelope);
      },
    }));
    let ran = 0;
    await lab.serve({ buy: (item) => `${item} ${++ran}` }, broker);
    equal(await lab.client().buy("tea"), "tea 1");
  });

  test("a request that comes again while it runs, or because its ack was lost, runs once", async () => {
    await using lab = new Lab();
    let ran = 0;
    const end = Promise.withResolvers<void>();
    const replies: string[] = [];
    const broker = await lab.broker((own) => ({
      reply: (to, envelope) => {
        replies.push(envelope.id);
        return own.reply(to, envelope);
      },
      consume: (subscription, deliver) =>
        own.consume(subscription, (batch) => {
          const lost = batch.map((delivery) => ({ ...like(delivery), ack: fenced }));
          deliver(lost);
          const again = { ...like(batch[0]!), attempt: 2, redelivered: true };
          deliver([{ ...again, ack: fenced }]);
          void end.promise.then(() => sleep(lab.env, 10)).then(() => deliver([again]));
        }),
    }));
    await lab.serve(
      {
        buy: async (item) => {
          ran++;
          await end.promise;
          return item;
        },
      },
      broker,
    );
    const client = lab.client();
    const asked = client.buy("tea");
    await lab.settle();
    end.resolve();
    equal(await asked, "tea");
    await sleep(lab.env, 100);
    equal(ran, 1);
    deepEqual([replies.length, new Set(replies).size], [2, 1]);
  });

  test("requests of one key keep their order, also when nobody serves them yet", async () => {
    await using lab = new Lab();
    const client = lab.client();
    const seen: Record<string, number[]> = {};
    const asked = Array.from({ length: 100 }, (_, step) =>
      client.move({ id: `${step % 3}`, step }),
    );
    await lab.settle();
    const move = async ({ id, step }: { id: string; step: number }): Promise<void> => {
      await sleep(lab.env, 50 - (step % 50));
      (seen[id] ??= []).push(step);
    };
    await lab.serve({ move });
    await Promise.all(asked);
    for (const steps of Object.values(seen))
      deepEqual(
        steps,
        steps.toSorted((a, b) => a - b),
      );
    equal(Object.values(seen).flat().length, 100);
  });

  test("no more than its bound is under way, the others wait at the broker, and go elsewhere when it stops", async () => {
    await using lab = new Lab();
    let running = 0;
    let together = 0;
    const buy = async (item: string): Promise<string> => {
      together = Math.max(together, ++running);
      await sleep(lab.env, 100);
      running--;
      return item;
    };
    const server = await lab.serve({ buy }, undefined, 2);
    const client = lab.client();
    const items = Array.from({ length: 10 }, (_, i) => `${i}`);
    const asked = Promise.all(items.map((item) => client.buy(item)));
    await sleep(lab.env, 250);
    equal(server.inFlight, 2);
    equal(await server.drain(10_000), 0);
    equal(together, 2);
    await lab.serve({ buy: (item) => item });
    deepEqual(await asked, items);
  });

  test("a server that joins takes nothing away from those that are at it", async () => {
    await using lab = new Lab();
    const begun: string[] = [];
    const slow = (name: string) => async (item: string) => {
      begun.push(item);
      await sleep(lab.env, 1_000);
      return `${item} by ${name}`;
    };
    await lab.serve({ buy: slow("first") });
    const client = lab.client();
    const items = Array.from({ length: 40 }, (_, i) => `${i}`);
    const early = Promise.all(items.map((item) => client.buy(item)));
    await lab.settle();
    await lab.serve({ buy: slow("second") });
    deepEqual(
      await early,
      items.map((item) => `${item} by first`),
    );
    equal(begun.length, items.length);
    const late = await Promise.all(items.map((item) => client.buy(item)));
    ok(
      late.some((answer) => answer.endsWith("second")),
      "and then it has its share",
    );
  });

  test("until the broker can be reached nothing has left: that is told, and tried again with the next call", async () => {
    await using lab = new Lab();
    await lab.serve({});
    let tries = 0;
    const unreachable = lab.client(async () => {
      if (++tries === 1) throw systemError("UNAVAILABLE", "nobody answers", { executed: "no" });
      return lab.broker();
    });
    await rejects(unreachable.buy("tea"), { code: "UNAVAILABLE", executed: "no" });
    equal(await unreachable.buy("tea"), "tea");
    const never = lab.client(stuck);
    await rejects(never.buy("tea", { deadline: "1s" }), {
      code: "DEADLINE_EXCEEDED",
      executed: "no",
    });
  });

  test("what a process has no room for waits for it, and nobody is refused", async () => {
    await using lab = new Lab();
    const gate = new LoadGate({ limitMax: 20, limitMin: 20, queueMax: 10 }, lab.env);
    let running = 0;
    let together = 0;
    const buy = async (item: string): Promise<string> => {
      together = Math.max(together, ++running);
      await sleep(lab.env, 200);
      running--;
      return item;
    };
    const refused: unknown[] = [];
    const listen = (event: unknown): unknown => refused.push(event);
    channels.refusal.subscribe(listen);
    await lab.serve({ buy }, undefined, undefined, gate);
    const client = lab.client();
    const items = Array.from({ length: 500 }, (_, i) => `${i}`);
    const bought = await Promise.all(items.map((item) => client.buy(item, { deadline: "5m" })));
    channels.refusal.unsubscribe(listen);
    deepEqual(bought, items);
    ok(together <= 20 && refused.length > 0, `${together} at once, ${refused.length} refused`);
    gate.close();
  });

  test("a reply that is lost leaves maybe", async () => {
    await using lab = new Lab();
    let ran = 0;
    const deaf = await lab.broker(() => ({ reply: () => Promise.resolve() }));
    await lab.serve({ buy: () => `${++ran}` }, deaf);
    await rejects(lab.client().buy("tea"), { code: "DEADLINE_EXCEEDED", executed: "maybe" });
    equal(ran, 1);
  });

  test("giving up is local: the handler is not told, and what it answers is dropped", async () => {
    await using lab = new Lab();
    let aborted = false;
    await lab.serve({
      buy: async (item, { signal }) => {
        signal.addEventListener("abort", () => (aborted = true));
        await sleep(lab.env, 100);
        return item;
      },
    });
    const client = lab.client();
    const controller = new AbortController();
    const asked = client.buy("tea", { signal: controller.signal });
    await lab.settle();
    controller.abort(new Error("enough"));
    await rejects(asked, { code: "CANCELLED", executed: "maybe" });
    await sleep(lab.env, 200);
    equal(aborted, false);
    equal(await client.buy("coffee"), "coffee");
  });

  test("streams are refused before anything is sent, and what a server does not know is told", async () => {
    await using lab = new Lab();
    await lab.serve({});
    const client = lab.client();
    await rejects(client.watch().next(), { code: "UNIMPLEMENTED", executed: "no" });
    const newer = contract("shop", { version: "1.1.0" }, { sell: call() });
    const broker = await lab.broker();
    const source = {
      address: "memory:calls",
      open: () => Promise.resolve(broker),
      release: () => Promise.resolve(),
    };
    const caller = new BrokerCaller(source, {}, lab.env);
    const calling = { caller, env: lab.env, deadlineMs: 10_000, checkSent: true };
    const other = makeClient(newer, calling, () => caller.close());
    await rejects(other.sell(), { code: "UNIMPLEMENTED", executed: "no" });
    await other[Symbol.asyncDispose]();
  });

  test("what is no request does not stop those behind it", async () => {
    await using lab = new Lab();
    await lab.serve({});
    const client = lab.client();
    equal(await client.buy("tea"), "tea");
    const broker = await lab.broker();
    const channel = requestChannel({ name: "shop", major: 1, digest: "", operations: [] }, []);
    const envelope = {
      id: "odd",
      type: "nonsense",
      source: "/elsewhere",
      subject: undefined,
      time: lab.env.wall(),
      contentType: "application/json",
      attributes: { headers: "{", expirytime: "soon", tries: "many", traceparent: "00-" },
      data: Buffer.from("{"),
    };
    await broker.publish([
      { channel, envelope },
      { channel, envelope: { ...envelope, id: "", type: "shop.buy" } },
      { channel, envelope: { ...envelope, id: "broken", type: "shop.buy" } },
    ]);
    equal(await client.buy("coffee"), "coffee");
    equal((await broker.lag(channel, undefined)).waiting, 0);
  });
});

const fenced = (): Promise<void> =>
  Promise.reject(systemError("UNAVAILABLE", "fenced", { executed: "maybe", gate: "fenced" }));

/** A delivery as plain data. */
function like(delivery: Delivery): Delivery {
  const { envelope, malformed, attempt, redelivered, shard, generation, position } = delivery;
  return {
    envelope,
    malformed,
    attempt,
    redelivered,
    shard,
    generation,
    position,
    ack: (outputs) => delivery.ack(outputs),
    release: (notBefore) => delivery.release(notBefore),
  };
}
