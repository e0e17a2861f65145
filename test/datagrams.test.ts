// Notifications without connections between real processes that are stopped and killed: what is lost is counted, what is not, arrives.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { client, type DatagramCounts, type TrunklineError } from "trunkline";
import { Control, Level, Metrics } from "./datagrams/contract.ts";
import { fromSource } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const linux = platform() === "linux" ? false : "it is about Linux";
/** With the package comes an addon for this machine. */
const skip = platform() === "linux" && arch() === "x64" ? false : "it needs the addon";
/** How often is asked for what must come to be, with a pause in milliseconds. */
const asksMax = 1_000;
const askMs = 10;

async function failureOf(work: Promise<unknown>): Promise<TrunklineError | undefined> {
  return work.then(
    () => undefined,
    (error: TrunklineError) => error,
  );
}

/** What has not been taken after so many milliseconds waits. */
const waitsMs = 200;

interface Told {
  readonly address: string;
  readonly seen: readonly unknown[];
  readonly counts: DatagramCounts;
}

class Receiver implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly address: string;

  private constructor(child: ChildProcess, address: string) {
    this.child = child;
    this.address = address;
  }

  static async start(...args: string[]): Promise<Receiver> {
    const file = join(import.meta.dirname, "datagrams/receiver.ts");
    const child = fork(file, args, { execArgv: fromSource });
    const died = once(child, "exit").then((): never => {
      throw new Error(`the receiver at ${args[0]} did not come up`);
    });
    const [told] = (await Promise.race([once(child, "message"), died])) as [Told];
    died.catch(() => {});
    return new Receiver(child, told.address);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async ask(): Promise<Told> {
    this.child.send("tell");
    const answered = once(this.child, "message");
    const died = once(this.child, "exit").then((): never => {
      throw new Error("the receiver has ended");
    });
    died.catch(() => {});
    const [told] = (await Promise.race([answered, died])) as [Told];
    return told;
  }

  async until(met: (told: Told) => boolean): Promise<Told> {
    for (let asks = 0; ; asks++) {
      const told = await this.ask();
      if (met(told)) return told;
      ok(asks < asksMax, `it never came to this: ${JSON.stringify(told)}`);
      await sleep(askMs);
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end("SIGKILL");
  }
}

test(
  "by Unix datagrams: who sends to a receiver that stands still is refused in time, all that was taken arrives in order, and after its death nothing is taken",
  { skip },
  async () => {
    await using receiver = await Receiver.start(`unixgram:${folder}/metrics.sock`);
    await using metrics = client(Metrics, receiver.address, { retry: false });
    await metrics.sample({ n: 0 });
    await receiver.until(({ seen }) => seen.length === 1);
    receiver.child.kill("SIGSTOP");
    // The system holds few; who comes then waits, and one that has no time for that is refused.
    const sent: Promise<void>[] = [];
    let waits = false;
    for (let n = 1; !waits; n++) {
      const sending = metrics.sample({ n });
      sent.push(sending);
      waits = await Promise.race([sending.then(() => false), sleep(waitsMs, true)]);
    }
    const hasty = failureOf(metrics.sample({ n: -1 }, { deadline: "100ms" }));
    equal((await hasty)?.code, "RESOURCE_EXHAUSTED");
    equal((await hasty)?.executed, "no");
    receiver.child.kill("SIGCONT");
    await Promise.all(sent);
    const told = await receiver.until(({ seen }) => seen.length > sent.length);
    deepEqual(told.seen, [0, ...sent.map((_, index) => index + 1)]);
    deepEqual([told.counts.malformed, told.counts.refused, told.counts.expired], [0, 0, 0]);
    await receiver.end("SIGKILL");
    await rejects(metrics.sample({ n: 9 }), { code: "UNAVAILABLE", executed: "no" });
  },
);

test(
  "by UDP: what a receiver that stands still has no room for is lost, and counted by it and by the system",
  { skip: linux },
  async () => {
    await using receiver = await Receiver.start("udp://127.0.0.1:0", "metrics", "16384");
    await using metrics = client(Metrics, receiver.address);
    const pad = "x".repeat(1_000);
    await metrics.sample({ n: 0 });
    await receiver.until(({ seen }) => seen.length === 1);
    receiver.child.kill("SIGSTOP");
    const sent = 500;
    for (let n = 1; n < sent; n++) await metrics.sample({ n, pad });
    receiver.child.kill("SIGCONT");
    await receiver.until(({ seen }) => seen.length > 1);
    await metrics.sample({ n: sent });
    const { seen, counts } = await receiver.until((told) => told.seen.includes(sent));
    ok(counts.missing > 0, JSON.stringify(counts));
    equal(counts.missing + seen.length, sent + 1);
    equal(counts.dropped, counts.missing);
  },
);

test("to a multicast group: everybody who receives there hears it", { skip: linux }, async () => {
  const group = `udp+multicast://239.255.77.9:${20_000 + (process.pid % 20_000)}`;
  await using one = await Receiver.start(group);
  await using other = await Receiver.start(group);
  await using metrics = client(Metrics, group);
  for (const receiver of [one, other]) {
    while ((await receiver.ask()).seen.length === 0) await metrics.sample({ n: 1 });
  }
});

test(
  "by a signal: a process hears it, and one that does not listen is not ended by it",
  { skip: linux },
  async () => {
    await using receiver = await Receiver.start("signal:self?signal=SIGHUP", "control");
    await using control = client(Control, `signal:${receiver.pid}?signal=SIGHUP`, { retry: false });
    await control.reload();
    await receiver.until(({ seen }) => seen.length === 1);
    process.kill(receiver.pid, "SIGHUP"); // as `kill -HUP` does
    await receiver.until(({ seen }) => seen.length === 2);
    await receiver.end("SIGTERM");
    await rejects(control.reload(), { code: "UNAVAILABLE", executed: "no" });

    const deaf = spawn(
      process.execPath,
      ["-e", 'console.log("up"); setInterval(() => {}, 1_000)'],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    try {
      await once(deaf.stdout, "data");
      await using other = client(Control, `signal:${deaf.pid}?signal=SIGHUP`, { retry: false });
      await rejects(other.reload(), { code: "UNAVAILABLE", executed: "no" });
      deepEqual([deaf.exitCode, deaf.signalCode], [null, null]);
    } finally {
      deaf.kill("SIGKILL");
    }
  },
);

test(
  "by a real-time signal: each number arrives, with the process that has sent it",
  { skip },
  async () => {
    await using receiver = await Receiver.start("signal:self?signal=SIGRTMIN+4", "level");
    await using level = client(Level, `signal:${receiver.pid}?signal=SIGRTMIN+4`);
    const levels = Array.from({ length: 20 }, (_, index) => index - 10);
    for (const each of levels) await level.set(each);
    const { seen } = await receiver.until((told) => told.seen.length === levels.length);
    // Any thread of the receiver takes the next one: they may overtake each other.
    const sorted = (seen as [number, number][]).toSorted(([one], [other]) => one - other);
    deepEqual(
      sorted,
      levels.map((each) => [each, process.pid]),
    );
  },
);
