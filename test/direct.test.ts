// Messages without a broker between real processes, one of which is killed in mid-work.
import { deepEqual, equal, ok } from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { client, isTrunklineError } from "trunkline";
import { direct } from "trunkline/broker/direct";
import { Gates, type Counted } from "./direct/contract.ts";
import { fromSource } from "./program.ts";

const gates = 16;
const batches = 200;

/** A process of the group, and what it has told. */
class Counter {
  readonly counted: Counted[] = [];
  readonly process: ChildProcess;
  #look: (() => void) | undefined;

  constructor(folder: string) {
    this.process = fork(join(import.meta.dirname, "direct/counter.ts"), {
      execArgv: fromSource,
      // Where sockets and registrations of a user are when nobody says otherwise.
      env: { ...process.env, XDG_RUNTIME_DIR: folder, TRUNKLINE_DISCOVERY: "" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.process.on("message", (told: Counted | "ready") => {
      if (told === "ready") return;
      this.counted.push(told);
      this.#look?.();
    });
  }

  /** Resolves when it has handled what was published last of each gate. */
  async caughtUp(): Promise<void> {
    const last = (): number => this.counted.filter(({ number }) => number === batches - 1).length;
    while (last() < gates) await new Promise<void>((resolve) => (this.#look = resolve));
  }

  static async start(folder: string, t: TestContext): Promise<Counter> {
    const counter = new Counter(folder);
    t.after(() => counter.process.kill("SIGKILL"));
    await once(counter.process, "message");
    return counter;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(this.process, "close");
    this.process.kill(signal);
    await ended;
  }
}

test(
  "one of three consumers is killed and one leaves in order: each key keeps its order, nothing comes twice, and only the dead one loses anything",
  { timeout: 120_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "tl-direct-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const counters = [
      await Counter.start(folder, t),
      await Counter.start(folder, t),
      await Counter.start(folder, t),
    ];
    await using told = client(Gates, "memory:nobody", {
      messages: {
        make: direct({ discovery: `directory:${folder}/trunkline/services` }),
        address: "direct:",
      },
    });
    const outcomes = new Map<string, string>();
    const publishing: Promise<void>[] = [];
    const publish = async (number: number): Promise<void> => {
      const all = Array.from({ length: gates }, (_, gate) => ({ gate: `g${gate}`, number }));
      const results = await told.passed.many(all);
      results.forEach((result, i) => {
        const outcome = isTrunklineError(result) ? `${result.code} ${result.executed}` : "ok";
        outcomes.set(`${all[i]!.gate} ${number}`, outcome);
      });
    };
    for (let number = 0; number < batches; number++) {
      publishing.push(publish(number));
      if (number === 60) counters[0]!.process.kill("SIGKILL");
      if (number === 120) counters[1]!.process.kill("SIGTERM");
      if (number % 10 === 9) await publishing.at(-1);
    }
    await Promise.all(publishing);
    // What it had not handled when it goes nobody would be there for.
    await counters[2]!.caughtUp();
    await counters[2]!.end("SIGTERM");

    const counted = counters.flatMap((each) => each.counted);
    const names = counted.map(({ gate, number }) => `${gate} ${number}`);
    equal(new Set(names).size, names.length, "nothing twice");
    for (let gate = 0; gate < gates; gate++) {
      const own = counted
        .filter((each) => each.gate === `g${gate}`)
        .toSorted((a, b) => Number(BigInt(a.fromNs) - BigInt(b.fromNs)));
      for (let i = 1; i < own.length; i++) {
        const [before, after] = [own[i - 1]!, own[i]!];
        ok(before.number < after.number, `g${gate}: ${after.number} after ${before.number}`);
        ok(BigInt(before.untilNs) <= BigInt(after.fromNs), `g${gate}: ${after.number} too soon`);
      }
    }
    equal(outcomes.size, gates * batches);
    const had = new Set(names);
    for (const [name, outcome] of outcomes)
      if (outcome.endsWith(" no")) ok(!had.has(name), `${name} is said not to be there`);
    ok(
      counters.every((each) => each.counted.length > 0),
      "all had a part",
    );
    // What the dead one had in its memory is lost, and nothing that was published later.
    const lost = [...outcomes].filter(([name, outcome]) => outcome === "ok" && !had.has(name));
    const latest = Math.max(0, ...lost.map(([name]) => Number(name.split(" ")[1])));
    ok(latest <= 70, `lost up to ${latest}`);
    const failed = [...outcomes.values()].filter((outcome) => outcome !== "ok");
    deepEqual(
      failed.filter((outcome) => outcome !== "UNAVAILABLE maybe"),
      [],
    );
    t.diagnostic(`${counted.length} handled, ${lost.length} lost, ${failed.length} in doubt`);
  },
);
