import { orderOf, type Carrier } from "./post.ts";

/** Messages on their way at once, while throughput is measured. */
export const inFlight = 256;

/** What one round of one carrier gave. */
export interface Round {
  /** From the first message sent to the last one handled. */
  readonly perSecond: number;
  /** Of this process, which sends and consumes, for each of them; the broker's own is not in it. The steadiest figure on a busy machine. */
  readonly cpuUs: number;
  /** Of receipts, one message in flight. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** A consumer that is there is given that long to hear the first message. */
const firstWithinMs = 30_000;

/** Sends `count` messages at once, then `alone` one after the other. Throws when not every one was handled exactly once. */
export async function round(carrier: Carrier, count: number, alone: number): Promise<Round> {
  const seen = new Set<number>();
  let doubled = 0;
  let wanted = Infinity;
  let reached: () => void = () => {};
  const post = await carrier.open(({ number }) => {
    if (seen.has(number)) doubled++;
    seen.add(number);
    if (seen.size >= wanted) reached();
  });
  const handled = async (total: number): Promise<void> => {
    if (seen.size >= total) return;
    wanted = total;
    const late = AbortSignal.timeout(firstWithinMs);
    await new Promise<void>((resolve, reject) => {
      reached = resolve;
      late.addEventListener("abort", () =>
        reject(new Error(`${carrier.peer} over ${carrier.over}: ${seen.size} of ${total} arrived`)),
      );
    });
  };
  try {
    await post.send(orderOf(0)); // whoever consumes is there, and warm
    await handled(1);
    let next = 1;
    const startedAt = performance.now();
    const cpuAt = process.cpuUsage();
    const lane = async (): Promise<void> => {
      while (next <= count) await post.send(orderOf(next++));
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    await handled(count + 1);
    const perSecond = (count * 1_000) / (performance.now() - startedAt);
    const cpu = process.cpuUsage(cpuAt);
    const cpuUs = (cpu.user + cpu.system) / count;
    const us: number[] = [];
    for (let i = 0; i < alone; i++) {
      const at = performance.now();
      await post.send(orderOf(count + 1 + i));
      us.push((performance.now() - at) * 1_000);
    }
    await handled(count + 1 + alone);
    if (doubled > 0) throw new Error(`${carrier.peer} over ${carrier.over}: ${doubled} came twice`);
    us.sort((a, b) => a - b);
    const at = (share: number): number =>
      us[Math.min(us.length - 1, Math.floor(share * us.length))]!;
    return { perSecond, cpuUs, p50Us: at(0.5), p99Us: at(0.99) };
  } finally {
    await post.close();
  }
}
