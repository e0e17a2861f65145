// What the default pipeline adds to a call over memory: a client as users have it, beside one with the bare caller of the protocol.
import { call, chassis, client, contract, serve, type Chassis } from "trunkline";
import * as z from "zod";
import { memory, MemoryRegistry } from "../../src/discovery/memory/index.ts";
import { realEnv } from "../../src/base/real-env.ts";
import { makeClient } from "../../src/call/client.ts";
import { CallerPool } from "../../src/chassis/caller-pool.ts";
import { parseAddress } from "../../src/transport/address.ts";
import { answerTo, isAnswer, jobsOf } from "../work.ts";

const order = z.object({ id: z.string(), quantity: z.int(), note: z.string() });

/** Idempotent, so that everything that a client does for a call by itself takes place. */
const Echo = contract(
  "echo",
  { version: "1.0.0" },
  { order: call({ in: order, out: order, idempotent: true }) },
);

export interface Side {
  readonly peer: string;
  call(i: number): Promise<void>;
}

const names = ["pipeline-a", "pipeline-b", "pipeline-c"];

/** The sides of this comparison, in one process; all call the same servers. */
export async function sides(): Promise<{ sides: Side[]; end: () => Promise<void> }> {
  const apps: Chassis[] = [];
  for (const name of names) apps.push(await server(name));
  const env = realEnv();
  const discovery = memory(new MemoryRegistry());
  for (const [index, name] of names.entries())
    await discovery.register(
      {
        id: name,
        bootId: apps[index]!.instance,
        contracts: ["echo@1"],
        addresses: [`memory:${name}`],
        state: "ready",
      },
      {},
      env,
    );
  const bare = bareClients();
  const one = client(Echo, `memory:${names[0]}`, { checkSent: false });
  const found = client(Echo, "service:echo", { discovery, checkSent: false });
  let turn = 0;
  return {
    sides: [
      side("bare caller", () => bare[0]!),
      side("default pipeline, one address", () => one),
      side("bare callers in turn, three instances", () => bare[turn++ % bare.length]!),
      side("default pipeline, three instances", () => found),
    ],
    async end() {
      for (const each of [one, found, ...bare]) await each[Symbol.asyncDispose]();
      await discovery.close();
      for (const app of apps) await app.stop();
    },
  };
}

function server(name: string): Promise<Chassis> {
  return chassis({
    name,
    listen: `memory:${name}`,
    signals: false,
    checkSent: false,
    serve: [serve(Echo, { order: async (given) => answerTo(given) })],
  });
}

type EchoClient = ReturnType<typeof client<typeof Echo>>;

function bareClients(): EchoClient[] {
  const env = realEnv();
  const pool = new CallerPool();
  return names.map((name) => {
    const { caller, release } = pool.take(parseAddress(`memory:${name}`), {}, undefined, env, {});
    return makeClient(Echo, { caller, env, deadlineMs: 10_000, checkSent: false }, release);
  });
}

const jobs = jobsOf("64 B");

function side(peer: string, to: () => EchoClient): Side {
  return {
    peer,
    async call(i) {
      const { order: sent } = jobs[i % jobs.length]!;
      if (!isAnswer(sent, await to().order(sent))) throw new Error(`${peer}: a wrong answer`);
    },
  };
}
