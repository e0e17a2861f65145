// The client of one peer in a process of its own: `client.ts PEER PLACE`.
import { answer } from "./child.ts";
import type { Flow } from "./items.ts";
import { latencies, load, loadBlocks, type Measured } from "./load.ts";
import type { Connected } from "./peer.ts";
import { peerNamed } from "./peer-named.ts";
import { cpuUs } from "./usage.ts";
import { jobsOf, type Size } from "./work.ts";

export type ClientQuestion =
  | {
      readonly ask: "calls";
      readonly size: Size;
      readonly inFlight: number;
      readonly timed?: boolean;
      readonly seconds: number;
    }
  | {
      readonly ask: "blocks";
      readonly mebibytes: number;
      readonly inFlight: number;
      readonly seconds: number;
    }
  | {
      readonly ask: "stream" | "upload" | "duplex";
      readonly flow: Flow;
      readonly seconds: number;
    };

export interface ClientAnswer extends Measured {
  readonly cpuUs: number;
}

const [name, place] = process.argv.slice(2);
const peer = await peerNamed(name!).load();
const connected = await peer.connect(place!);
const jobs = { "64 B": jobsOf("64 B"), "4 KiB": jobsOf("4 KiB") };

answer(async (question: ClientQuestion): Promise<ClientAnswer> => {
  const before = await usedUs();
  const measured = await measure(connected, question);
  return { ...measured, cpuUs: (await usedUs()) - before };
});

async function usedUs(): Promise<number> {
  return cpuUs() + ((await connected.otherCpuUs?.()) ?? 0);
}

function measure(to: Connected, question: ClientQuestion): Promise<Measured> {
  if (question.ask === "blocks") {
    const { mebibytes, inFlight, seconds } = question;
    return loadBlocks(to, mebibytes, inFlight, seconds);
  }
  if (question.ask !== "calls") return flowFor(to, question.ask, question.flow, question.seconds);
  const { size, inFlight, timed = false, seconds } = question;
  return inFlight === 1
    ? latencies(to, jobs[size], seconds)
    : load(to, jobs[size], inFlight, seconds, timed);
}

async function flowFor(
  to: Connected,
  ask: "stream" | "upload" | "duplex",
  flow: Flow,
  seconds: number,
): Promise<Measured> {
  const run = ask === "stream" ? to.read : to[ask];
  const from = performance.now();
  let last = false;
  setTimeout(() => (last = true), seconds * 1000);
  const count = await run!.call(to, flow, () => last);
  return { count, seconds: (performance.now() - from) / 1000 };
}
