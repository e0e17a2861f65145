// The side that asks, in a process of its own: `asker.ts TERMS`. Sets the mechanism up, measures, tells, and ends.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { realEnv } from "../../../base/real-env.ts";
import { chassis } from "../../../chassis/chassis.ts";
import { client } from "../../../chassis/client.ts";
import { unix } from "../../../transport/unix/index.ts";
import { Usage } from "./contract.ts";
import { measure } from "./measure.ts";
import { mechanismNamed } from "./mechanisms.ts";
import type { AskerTerms, Outcome, SideTerms } from "./measured.ts";
import { Pinger } from "./phases.ts";
import { pingsHeard, pingsTo } from "./pinging.ts";
import { posting } from "./posting.ts";
import { fileOf, forOthers, started } from "./programs.ts";
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
  const { posts, ping = "bytes" } = mechanism;
  // Pings come back to whoever is there; who that is the other side has to know first.
  let pinger: Pinger | undefined;
  const came = (): void => pinger?.came();
  const back = mechanism.back === undefined ? undefined : await pongs(mechanism.back(folder), came);
  const terms: SideTerms = { mechanism: mechanism.name, folder, back };
  const address = await otherSide(terms);
  const asking = mechanism.asking?.(terms) ?? [];
  if (posts !== undefined) {
    const { send } = await posting(address, posts, true, came);
    const message = Buffer.alloc(64, 7);
    pinger = new Pinger(async () => void (await send(message)), env);
  } else if (back !== undefined) {
    const send = pingsTo(address, ping, asking);
    pinger = new Pinger(() => send(), env);
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

/** Hears those that come back; resolves with the address for them. */
async function pongs(listen: string, came: () => void): Promise<string> {
  const { addresses } = await chassis({
    name: "doctor-asker",
    listen,
    serve: [pingsHeard(came)],
    transports: mechanism.serving?.(folder) ?? [],
    signals: false,
  });
  return forOthers(addresses[0]!);
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
