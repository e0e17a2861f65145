// The side that lends, in a process of its own: `loan-client.ts PLACE`.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "trunkline";
import { loan } from "trunkline/shm";
import { answer } from "../child.ts";
import { itemBytesMax, nowMs, Receiver } from "./loan-contract.ts";

export interface LoanQuestion {
  readonly mebibytes: number;
  /** `later`: when whatever V8 has begun to do for memory that was made is done. */
  readonly way: "copied" | "once" | "later";
}

export interface LoanAnswer {
  readonly pages: "huge" | "small" | "none";
  readonly madeMs: number;
  /** From the call on, which seals it, until its handler has read the first and the last byte. */
  readonly receivedMs: number;
  readonly answeredMs: number;
}

/** Before each too, so that none has to do with what is left of another. */
const laterMs = 50;
/** Written before each is sent: caches hold as little of a small one as of a large one. */
const others = Buffer.alloc(64 * 1024 * 1024);

const receiver = client(Receiver, process.argv[2]!, { itemBytesMax });
// The connection moves meanwhile.
for (let calls = 0; calls < 100; calls++) await receiver.receive(loan(100_000));

answer(async ({ mebibytes, way }: LoanQuestion): Promise<LoanAnswer> => {
  await sleep(laterMs);
  const bytes = mebibytes * 1024 * 1024;
  const from = performance.now();
  const payload = way === "copied" ? Buffer.alloc(bytes) : loan(bytes);
  const madeMs = performance.now() - from;
  payload.fill(7);
  const pages = way === "copied" ? "none" : pagesMapped(payload);
  others.fill(mebibytes);
  if (way === "later") await sleep(laterMs);
  const sentAtMs = nowMs();
  const { atMs, sum } = await receiver.receive(payload);
  if (sum !== 14) throw new Error(`${sum} is not the sum of the first and the last byte`);
  return { pages, madeMs, receivedMs: atMs - sentAtMs, answeredMs: nowMs() - sentAtMs };
}, "");

/** Of what has just been filled. */
function pagesMapped(payload: Uint8Array): "huge" | "small" {
  const maps = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[\da-f]+-)/m);
  const size = new RegExp(`^Size: +${Math.ceil(payload.length / 1024)} kB`, "m");
  const own = maps.find((map) => map.includes("rw-s") && size.test(map));
  return /^ShmemPmdMapped: +[1-9]/m.test(own ?? "") ? "huge" : "small";
}
