// The side that asks, in a process of its own: `asker.ts TERMS`. Sets the mechanism up, measures, tells, and ends.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { realEnv } from "../../../base/real-env.ts";
import { serve } from "../../../call/serve.ts";
import { chassis, type Chassis } from "../../../chassis/chassis.ts";
import { client } from "../../../chassis/client.ts";
import { unix } from "../../../transport/unix/index.ts";
import { Pings, Usage } from "./contract.ts";
import { measure } from "./measure.ts";
import { mechanismNamed } from "./mechanisms.ts";
import type { AskerTerms, Outcome, SideTerms } from "./measured.ts";
import { Pinger } from "./phases.ts";
import { posting } from "./posting.ts";
import { fileOf, started } from "./programs.ts";
import { controlAddress, serveSide } from "./serving.ts";

const env = realEnv();
const given = JSON.parse(process.argv[2]!) as AskerTerms;
const mechanism = mechanismNamed(given.mechanism);
const { folder, forMs } = given;
process.once("disconnect", () => process.exit());

tell(await outcome());
process.disconnect();

async function outcome(): Promise<Outcome> {
  try {
    return await measured();
  } catch (error) {
    return { name: mechanism.name, reason: reasonOf(error) };
  }
}

/** In a few words: most that are not there are not there in this version. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/the scheme "\w+" is not known|does not have the (transport|protocol)/.test(message))
    return "this version does not have it";
  const lines = message.split("\n");
  return (lines.find((line) => line.startsWith("  1. ")) ?? lines[0]!).replace("  1. ", "");
}

async function measured(): Promise<Outcome> {
  const { posts, back } = mechanism;
  // Pings come back to whoever is there; who that is the other side has to know first.
  let pinger: Pinger | undefined;
  const came = (): void => pinger?.came();
  const listening = back === undefined ? undefined : await pongs(back(folder), came);
  const terms: SideTerms = { mechanism: mechanism.name, folder, back: listening?.addresses[0] };
  const address = await otherSide(terms);
  const asking = mechanism.asking?.(terms) ?? [];
  const ping = Buffer.alloc(64, 7);
  if (posts !== undefined) {
    const { send } = await posting(address, posts, true, came);
    pinger = new Pinger(async () => void (await send(ping)), env);
  } else if (listening !== undefined) {
    const pings = client(Pings, address, { transports: asking, checkSent: false });
    pinger = new Pinger(() => pings.ping(ping), env);
  }
  return measure({
    mechanism,
    address,
    transports: asking,
    pinger,
    cpuUs: usage(),
    forMs,
    tell: (share) => tell({ share }),
    sharesMemory,
    env,
  });
}

/** Where pings come back to. */
function pongs(listen: string, came: () => void): Promise<Chassis> {
  return chassis({
    name: "doctor-asker",
    listen,
    serve: [serve(Pings, { ping: async () => came() })],
    transports: mechanism.serving?.(folder) ?? [],
    signals: false,
  });
}

/** Starts the other side; resolves with the address at which it is asked. */
async function otherSide(terms: SideTerms): Promise<string> {
  switch (mechanism.other) {
    case "here":
      return (await serveSide(mechanism, terms)).address;
    case "thread":
      return heard(new Worker(fileOf("side"), { workerData: terms, execArgv: [] }));
    case "process":
      return heard(started("side", terms));
    case "child":
      return mechanism.listen(folder);
  }
}

async function heard(of: Worker | ReturnType<typeof started>): Promise<string> {
  const ended = once(of as Worker, "exit").then(() => {
    throw new Error("the other side ended before it listened");
  });
  ended.catch(() => {});
  const [told] = (await Promise.race([once(of as Worker, "message"), ended])) as [
    { readonly address?: string; readonly problem?: string },
  ];
  if (told.address === undefined) throw new Error(told.problem ?? "it does not listen");
  return told.address;
}

/** What both sides have used of the processor so far, in microseconds. */
function usage(): () => Promise<number> {
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  if (mechanism.other === "here" || mechanism.other === "thread") return async () => own();
  const other = client(Usage, controlAddress(folder), { transports: [unix({ shm: "off" })] });
  return async () => own() + (await other.cpuUs({ count: 1 }));
}

/** Whether this process has memory that a connection shares: what the kernel says, not what we believe. */
function sharesMemory(): boolean {
  try {
    return readFileSync("/proc/self/maps", "utf8").includes("/memfd:trunkline");
  } catch {
    return false;
  }
}

function tell(told: Outcome | { readonly share: number }): void {
  process.send?.(told);
}
