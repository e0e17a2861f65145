import { equal } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import * as z from "zod";

import { sleep } from "../base/alarm.ts";
import { realEnv } from "../base/real-env.ts";
import { registry } from "../bridge/registry/registry.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { roundRobin } from "../discovery/balancing/in-turn.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { evidenceAt } from "./registry-at.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  { ask: call({ in: z.string(), out: z.string() }) },
);

test("an instance that two hosts saw fail is called by no third one until it answers again", async () => {
  const env = realEnv();
  const discovery = "registry+memory:evidence-registry";
  const running = await registry({ env });
  await using _app = await chassis({
    name: "registry",
    listen: "memory:evidence-registry",
    serve: running.services,
    signals: false,
  });
  const incident = (): void => {}; // each would become a warning
  subscribe("trunkline:incident", incident);
  let ill = true;
  const illAsked = new Set<string>();
  const replica = (id: string) =>
    chassis({
      name: id,
      listen: "tcp://127.0.0.1:0",
      register: { discovery, id },
      signals: false,
      serve: [
        serve(Desk, {
          ask(from) {
            if (id === "a") illAsked.add(from);
            if (id === "a" && ill) throw new Error("the disk is full");
            return id;
          },
        }),
      ],
    });
  const replicas = [await replica("a"), await replica("b")];
  const callers = ["one", "two", "three"].map((host) => {
    const evidence = evidenceAt(discovery, { host, process: host, global: true }, {}, env);
    const desk = client(Desk, "service:desk", {
      discovery,
      evidence,
      breaker: { scope: "global" },
      balance: roundRobin, // by load an instance that fails is asked too rarely to show anything
    });
    return { desk, host, evidence };
  });
  const [one, two, three] = callers as [
    (typeof callers)[0],
    (typeof callers)[0],
    (typeof callers)[0],
  ];
  /** Calls until the ill instance has failed five times in a row for this caller, whoever else answers. */
  const suffer = async ({ desk, host }: (typeof callers)[0]): Promise<void> => {
    for (let failed = 0; failed < 5;) {
      const result = await desk.ask.result(host);
      if (!result.ok && result.error.code === "INTERNAL") failed++;
      else await sleep(env, 5);
      if (!result.ok && result.error.gate !== undefined) return;
    }
  };
  await Promise.all([suffer(one), suffer(two)]);
  await sleep(env, 600);

  for (let time = 0; time < 100; time++) equal(await three.desk.ask("three"), "b");
  equal(illAsked.has("three"), false);

  ill = false;
  while (!illAsked.has("three")) {
    await Promise.all(callers.map(({ desk, host }) => desk.ask.result(host)));
    await sleep(env, 10);
  }

  unsubscribe("trunkline:incident", incident);
  for (const { desk, evidence } of callers) {
    await desk[Symbol.asyncDispose]();
    await evidence.close();
  }
  for (const each of replicas) await each.stop();
  await running.close();
});
