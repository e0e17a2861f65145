import { sleep } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { client } from "../../../chassis/client.ts";
import type { Client } from "../../../call/client-type.ts";
import type { Transport } from "../../../transport/transport.ts";
import { Echo, isItemAt } from "./contract.ts";
import type { Mechanism } from "./mechanisms.ts";
import type { Measured, NotMeasured, OneWay, Outcome, Rate, SizeRate } from "./measured.ts";
import { distribution, idle, latencies, load, type Pinger } from "./phases.ts";
import { itemBytesMax } from "./serving.ts";

export interface Measuring {
  readonly mechanism: Mechanism;
  readonly address: string;
  readonly transports: readonly Transport[];
  /** Sends notifications; undefined where they do not come back. */
  readonly pinger: Pinger | undefined;
  cpuUs(): Promise<number>;
  readonly forMs: number;
  /** Hears which share of it is done. */
  tell(share: number): void;
  sharesMemory(): boolean;
  readonly env: Env;
}

/** Bytes of a call, and how many of them are in flight at once: fewer of the largest, which would only wait for each other. */
const sizes: readonly (readonly [bytes: number, inFlight: number])[] = [
  [64, 64],
  [4_096, 64],
  [65_536, 64],
  [1_048_576, 8],
];

/** A move to shared memory takes a few turns of both sides; by then it has been made, or will not be. */
const movesWithinMs = 1_000;

/** Measures one mechanism that is set up. Everything that comes back is compared with what was sent; a difference throws. */
export async function measure(terms: Measuring): Promise<Outcome> {
  const { mechanism, pinger, forMs, env } = terms;
  const parts = (mechanism.oneWay ? 1 : 10) + (pinger === undefined ? 0 : 3);
  const part = forMs / parts;
  let done = 0;
  const step = (): void => terms.tell(Math.min(1, ++done / parts));
  const costing = costingOf(terms, step);

  const answered = mechanism.oneWay
    ? {}
    : await answers(terms, part, costing, () => (step(), step(), step()));
  if ("reason" in answered) return answered;
  const oneWay =
    pinger === undefined ? {} : { oneWay: await pings(terms, pinger, part, costing, step) };
  const idleCpuMs = await idle(() => terms.cpuUs(), part, env);
  step();
  return { name: mechanism.name, forMs, ...answered, ...oneWay, idleCpuMs };
}

type Costing = (
  work: () => Promise<{ readonly count: number; readonly tookMs: number }>,
) => Promise<Rate>;

/** Runs work, and gives its rate with what it cost both sides. */
function costingOf(terms: Measuring, step: () => void): Costing {
  return async (work) => {
    const before = await terms.cpuUs();
    const { count, tookMs } = await work();
    const used = (await terms.cpuUs()) - before;
    step();
    return { perSecond: (count * 1_000) / tookMs, cpuUsEach: used / Math.max(1, count) };
  };
}

async function answers(
  terms: Measuring,
  part: number,
  costing: Costing,
  warmed: () => void,
): Promise<Pick<Measured, "call" | "sizes" | "stream"> | NotMeasured> {
  const { env, mechanism } = terms;
  const echo = client(Echo, terms.address, {
    transports: terms.transports,
    itemBytesMax,
    checkSent: false,
  });
  const small = asking(echo, 64);
  await small();
  await load(small, 64, part * 2, env);
  if (mechanism.shared === true) await moved(terms, small);
  if (mechanism.shared !== undefined && terms.sharesMemory() !== mechanism.shared)
    return { name: mechanism.name, reason: stayed(mechanism.shared) };
  warmed();

  let call = distribution([]);
  const { cpuUsEach } = await costing(async () => {
    const from = env.now();
    call = await latencies(small, part, env);
    return { count: call.samples, tookMs: env.now() - from };
  });
  const rates: SizeRate[] = [];
  for (const [bytes, inFlight] of sizes) {
    const ask = asking(echo, bytes);
    const rate = await costing(() => load(ask, inFlight, part, env));
    rates.push({ bytes, inFlight, ...rate });
  }
  const stream = await costing(() => items(echo, part, env));
  return { call: { ...call, cpuUsEach }, sizes: rates, stream };
}

/** Goes on asking until the connection has moved; gives up in silence, and who asks then sees that it has not. */
async function moved(terms: Measuring, ask: () => Promise<void>): Promise<void> {
  const until = terms.env.now() + movesWithinMs;
  while (!terms.sharesMemory() && terms.env.now() < until) {
    await ask();
    await sleep(terms.env, 20);
  }
}

function stayed(wanted: boolean): string {
  return wanted
    ? "the connection did not move to shared memory: trunkline doctor says what is missing"
    : "the connection moved to shared memory although it was told not to";
}

/** One call with so many bytes, each of them looked at when they come back. */
function asking(echo: Client<typeof Echo>, bytes: number): () => Promise<void> {
  const sent = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) sent[at] = (at * 31) & 0xff;
  return async () => {
    const came = await echo.echo(sent, { deadline: "30s" });
    if (Buffer.compare(sent, came) !== 0) throw new Error("other bytes came back than were sent");
  };
}

async function items(
  echo: Client<typeof Echo>,
  forMs: number,
  env: Env,
): Promise<{ readonly count: number; readonly tookMs: number }> {
  const from = env.now();
  let count = 0;
  for await (const item of echo.items({ count: Number.MAX_SAFE_INTEGER })) {
    if (!isItemAt(count, item)) throw new Error(`item ${count} is not the one that was sent`);
    count++;
    // The clock is not looked at for each.
    if (count % 64 === 0 && env.now() - from >= forMs) break;
  }
  return { count, tookMs: env.now() - from };
}

async function pings(
  { env }: Measuring,
  pinger: Pinger,
  part: number,
  costing: Costing,
  step: () => void,
): Promise<OneWay> {
  let lost = 0;
  const ping = async (): Promise<void> => {
    if (!(await pinger.ping())) lost++;
  };
  await load(ping, 64, part, env);
  step();
  const roundTrip = await latencies(ping, part, env);
  step();
  lost = 0;
  const rate = await costing(async () => {
    const { count, tookMs } = await load(ping, 64, part, env);
    return { count: count - lost, tookMs };
  });
  return { ...rate, roundTrip, lost };
}
