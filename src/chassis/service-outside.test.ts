import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { sleep } from "../base/alarm.ts";
import { realEnv } from "../base/real-env.ts";
import { serve } from "../call/serve.ts";
import { call, contract, stream } from "../contract/index.ts";
import { memory, MemoryRegistry } from "../discovery/memory/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client, stateOf } from "./client.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    read: call({ in: z.object({ id: z.string() }), out: z.string(), idempotent: true }),
    act: call({ in: z.object({ id: z.string() }), out: z.string() }),
    items: stream({ in: z.object({ id: z.string() }), out: z.string() }),
  },
);

interface Replicas {
  readonly apps: Chassis[];
  readonly discovery: ReturnType<typeof memory>;
  /** How often each piece of work was begun. */
  readonly ran: Map<string, number>;
}

/** Three processes, as far as sockets are concerned, that are found by a registry. */
async function replicas(scheme: string): Promise<Replicas> {
  const env = realEnv();
  const discovery = memory(new MemoryRegistry());
  const ran = new Map<string, number>();
  const count = (id: string): void => void ran.set(id, (ran.get(id) ?? 0) + 1);
  const apps: Chassis[] = [];
  for (const name of ["a", "b", "c"]) {
    const app = await chassis({
      name,
      listen: `${scheme}://127.0.0.1:0`,
      signals: false,
      serve: [
        serve(Desk, {
          async read() {
            await sleep(env, 2);
            return name;
          },
          async act({ id }) {
            count(id);
            await sleep(env, 2);
            return name;
          },
          async *items() {
            yield name;
            yield "more";
          },
        }),
      ],
    });
    apps.push(app);
    const told = { id: name, bootId: app.instance, contracts: ["desk@1"], state: "ready" as const };
    await discovery.register({ ...told, addresses: app.addresses }, {}, env);
  }
  return { apps, discovery, ran };
}

for (const scheme of ["http", "grpc"]) {
  test(`over ${scheme} one is rolled and one falls dead: what may run twice never fails, and nothing else runs twice`, async () => {
    const { apps, discovery, ran } = await replicas(scheme);
    const desk = client(Desk, "service:desk", { discovery });
    const failures: string[] = [];
    const told = new Map<string, string>();
    let id = 0;
    const ask = async (kind: "read" | "act"): Promise<void> => {
      const own = `${kind}-${++id}`;
      const result = await desk[kind].result({ id: own }, { deadline: "5s" });
      if (kind === "read" && !result.ok) failures.push(result.error.message);
      if (kind === "act") told.set(own, result.ok ? "ok" : result.error.executed);
    };
    const calls: Promise<void>[] = [];
    const load = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        calls.push(ask("read"), ask("act"));
        if (round % 4 === 0) await Promise.race(calls.slice(-2));
      }
    };
    await load(60);
    const rolled = apps[0]!.stop();
    await load(60);
    await rolled;
    const dead = apps[1]!.stop({ force: true });
    await load(60);
    await dead;
    await Promise.all(calls);
    deepEqual(failures, []);
    for (const [own, executed] of told) {
      const times = ran.get(own) ?? 0;
      ok(times <= 1, `${own} ran ${times} times`);
      if (executed === "no") equal(times, 0, `${own} was told "no"`);
      if (executed === "ok") equal(times, 1, `${own} was answered`);
    }
    const items: string[] = [];
    for await (const item of desk.items({ id: "x" })) items.push(item);
    deepEqual(items, ["c", "more"]);
    ok(stateOf(desk).endpoints.some(({ id: name, begun }) => name === "c" && begun > 0));
    await desk[Symbol.asyncDispose]();
    await apps[2]!.stop();
    await discovery.close();
  });
}
