import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start, type Child } from "../bench/child.ts";
import type { ClientAnswer, ClientQuestion } from "./client.ts";
import type { Figures } from "./figures.ts";
import { Restarted } from "./restarted.ts";
import type { Observed, Sample } from "./verdict.ts";

export interface RunOptions {
  readonly seconds: number;
  /** Leaves a descriptor open on purpose. */
  readonly leak: boolean;
  /** Where sockets and certificates are made. */
  readonly folder: string;
  progress(text: string): void;
}

/** What a run has seen. */
export interface Seen {
  readonly client: ClientAnswer;
  readonly observed: readonly Observed[];
  readonly restarts: number;
  readonly failures: readonly string[];
}

/** Between two samples; before each the load comes to rest. Not more than a tenth of a short run. */
const sampleMsMax = 5_000;

/** The load before the load: code that is needed once is loaded, and pools are filled. */
const warmUpMsMax = 5_000;

/** How long closed connections, children and their timers may take to be gone. */
const settleMsMax = 15_000;
const settleStepMs = 250;

const exposed = ["--expose-gc"];
const program = (name: string): string => join(import.meta.dirname, name);

type Client = Child<ClientQuestion, ClientAnswer>;
type Server = Child<object, Figures>;

export async function run(options: RunOptions): Promise<Seen> {
  const { folder, seconds } = options;
  const server: Server = await start(program("server.ts"), [folder], exposed);
  const restarted = await Restarted.start(folder);
  const { addresses, ca } = JSON.parse(server.about) as { addresses: string[]; ca: string };
  const places = { steady: addresses, restarted: restarted.addresses, ca };
  const client: Client = await start(program("client.ts"), [JSON.stringify(places)], exposed);

  options.progress("warming up");
  await client.ask({ ask: "open" });
  await sleep(Math.min(warmUpMsMax, seconds * 200));
  await client.ask({ ask: "close" });
  const first = {
    client: await calm(() => held(client)),
    server: await calm(() => server.ask({})),
  };
  const samples = await load(client, server, restarted, options);
  if (options.leak) await client.ask({ ask: "leak" });
  await client.ask({ ask: "close" });
  options.progress("waiting until all is closed");
  const last = {
    client: await settled(() => held(client), first.client),
    server: await settled(() => server.ask({}), first.server),
  };
  const told = await client.ask({ ask: "figures" });
  await client.end();
  await server.end();
  await restarted.end();
  return {
    client: told,
    observed: [
      {
        name: "client",
        samples: samples.client,
        closed: { first: first.client, last: last.client },
      },
      {
        name: "server",
        samples: samples.server,
        closed: { first: first.server, last: last.server },
      },
      { name: "thread", samples: samples.thread },
    ],
    restarts: restarted.count,
    failures: restarted.failures,
  };
}

type Samples = Record<"client" | "server" | "thread", Sample[]>;

async function load(
  client: Client,
  server: Server,
  restarted: Restarted,
  { seconds, progress }: RunOptions,
): Promise<Samples> {
  const samples: Samples = { client: [], server: [], thread: [] };
  const sampleMs = Math.min(sampleMsMax, seconds * 100);
  await client.ask({ ask: "open" });
  const from = performance.now();
  const passed = (): number => (performance.now() - from) / 1000;
  while (passed() < seconds) {
    const next = sleep(sampleMs);
    await restarted.restart();
    await next;
    const { figures, thread, counts } = await client.ask({ ask: "rest" });
    const at = passed();
    samples.client.push({ seconds: at, figures });
    samples.thread.push({ seconds: at, figures: thread! });
    samples.server.push({ seconds: at, figures: await server.ask({}) });
    await client.ask({ ask: "resume" });
    const { calls, streams, notifications, connections } = counts;
    progress(
      `${calls} calls, ${streams} streams, ${notifications} notifications, ` +
        `${connections} connections, ${restarted.count} restarts, ` +
        `heap ${(figures.heap / 1024 / 1024).toFixed(1)} MiB`,
    );
  }
  return samples;
}

async function held(client: Client): Promise<Figures> {
  return (await client.ask({ ask: "figures" })).figures;
}

/** What is held when it has stopped to change. */
async function calm(look: () => Promise<Figures>): Promise<Figures> {
  let before = await look();
  for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += 2_000) {
    await sleep(2_000);
    const now = await look();
    const same = (["descriptors", "handles", "alarms"] as const).every(
      (what) => now[what] === before[what],
    );
    if (same) return now;
    before = now;
  }
  return before;
}

/** What is held when it is no more than it was, or when the time for that is over. */
async function settled(look: () => Promise<Figures>, first: Figures): Promise<Figures> {
  for (let waitedMs = 0; ; waitedMs += settleStepMs) {
    const now = await look();
    const { descriptors, handles, alarms } = now;
    const back =
      descriptors <= first.descriptors && handles <= first.handles && alarms <= first.alarms;
    if (back || waitedMs >= settleMsMax) return now;
    await sleep(settleStepMs);
  }
}
