import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { call, contract, notification } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";
import type { SignalOptions } from "./signals.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  { ask: call({ in: z.string(), out: z.string() }) },
);

const url = (path: string): string => JSON.stringify(import.meta.resolve(path));

/** A process that serves the desk: `ask` answers at once, after a while, or never; it tells what happens line by line. */
const program = `
  import diagnostics from "node:diagnostics_channel";
  import * as z from ${JSON.stringify(import.meta.resolve("zod"))};
  import { serve } from ${url("../call/serve.ts")};
  import { call, contract } from ${url("../contract/index.ts")};
  import { chassis } from ${url("./chassis.ts")};

  const Desk = contract("desk", { version: "1.0.0" }, { ask: call({ in: z.string(), out: z.string() }) });
  const [path, stop, signals] = process.argv.slice(1);
  let reloads = 0;
  const app = await chassis({
    name: "desk",
    listen: "unix:" + path,
    stop: JSON.parse(stop),
    signals: JSON.parse(signals),
    reload: () => {
      console.log("reload", ++reloads);
      if (reloads === 2) throw new Error("the settings are wrong");
    },
    serve: [serve(Desk, {
      ask: async (what, { signal }) => {
        if (what === "now") return "now";
        console.log("asked", what);
        signal.addEventListener("abort", () => console.log("aborted", what));
        const [, ms = "1e9"] = what.split(" ");
        await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** 31 - 1, Number(ms))).unref());
        return what;
      },
    })],
  });
  diagnostics.subscribe("trunkline:incident", ({ operation, error }) => console.log(operation, error.message));
  app.stopping.addEventListener("abort", () => console.log("stopping", app.ready));
  console.log("ready", app.ready);
  const { cut, forced } = await app.stopped;
  console.log("stopped", cut, forced);
`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A serving process, and what it has said. */
class Child implements AsyncDisposable {
  readonly path: string;
  readonly lines: string[] = [];
  readonly ended: Promise<Ended>;
  readonly #child: ReturnType<typeof spawn>;
  #changed: (() => void)[] = [];

  static async start(
    stop: object,
    path: string = join(folder, `${++children}.sock`),
    signals: boolean | SignalOptions = true,
  ): Promise<Child> {
    const child = new Child(path, stop, signals);
    await child.says("ready true");
    return child;
  }

  private constructor(path: string, stop: object, signals: boolean | SignalOptions) {
    this.path = path;
    const said = [path, JSON.stringify(stop), JSON.stringify(signals)];
    const args = ["--input-type=module", "--eval", program, ...said];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      for (const resolve of this.#changed.splice(0)) resolve();
    });
    const { promise, resolve } = Promise.withResolvers<Ended>();
    this.ended = promise;
    this.#child.on("close", (code, signal) => {
      resolve({ code, signal });
      for (const wake of this.#changed.splice(0)) wake();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has said this line. */
  async says(line: string): Promise<void> {
    while (!this.lines.includes(line)) {
      assert.equal(this.#child.exitCode, null, `it has ended and never said "${line}"`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }
}

let children = 0;

/** Who calls until he is refused need not wait for a connection that will not come. */
const hurry = { connectWait: 50 } as const;

const maybe = { code: "UNAVAILABLE", executed: "maybe" };
const never = { code: "UNAVAILABLE", executed: "no" };

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal}: readiness, then what is under way, then the socket, then the process`, async () => {
    await using child = await Child.start({ readiness: "50ms", drain: "30s" });
    await using desk = client(Desk, `unix:${child.path}`);
    await using hasty = client(Desk, `unix:${child.path}`, hurry);
    const slow = desk.ask("slow 400");
    await child.says("asked slow 400");
    child.kill(signal);
    await child.says("stopping false");
    const refused = async (): Promise<void> => {
      // Until the time of readiness is over requests are answered; from then on they are refused and never ran.
      for (;;) await hasty.ask("now");
    };
    await assert.rejects(refused(), never);
    assert.equal(await slow, "slow 400");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.deepEqual(child.lines, [
      "ready true",
      "asked slow 400",
      "stopping false",
      "stopped 0 false",
    ]);
    assert.equal(existsSync(child.path), false);
  });
}

test("a second signal cuts what is under way, which says maybe, and the process ends", async () => {
  await using child = await Child.start({ drain: "1h" });
  await using desk = client(Desk, `unix:${child.path}`, { deadline: "1h" });
  const cut = assert.rejects(desk.ask("forever"), maybe);
  await child.says("asked forever");
  child.kill("SIGTERM");
  await child.says("stopping false");
  child.kill("SIGTERM");
  await cut;
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.deepEqual(child.lines.slice(-2).toSorted(), ["aborted forever", "stopped 1 true"]);
  assert.equal(existsSync(child.path), false);
});

test("a budget that is over cuts what is under way, which says maybe, and the process ends", async () => {
  await using child = await Child.start({ drain: "80ms" });
  await using desk = client(Desk, `unix:${child.path}`, { deadline: "1h" });
  const cut = assert.rejects(desk.ask("forever"), maybe);
  await child.says("asked forever");
  child.kill("SIGTERM");
  await cut;
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.deepEqual(child.lines.slice(-2).toSorted(), ["aborted forever", "stopped 1 false"]);
});

test("SIGUSR2 drains without hurry where it is to, and then the process ends", async () => {
  await using child = await Child.start({ drain: "1ms" }, undefined, { drain: true });
  await using desk = client(Desk, `unix:${child.path}`);
  await using hasty = client(Desk, `unix:${child.path}`, hurry);
  const slow = desk.ask("slow 400");
  await child.says("asked slow 400");
  child.kill("SIGUSR2");
  await child.says("stopping false");
  const refused = async (): Promise<void> => {
    for (;;) await hasty.ask("now");
  };
  await assert.rejects(refused(), never);
  child.kill("SIGUSR2"); // once more says nothing new
  assert.equal(await slow, "slow 400");
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.equal(child.lines.at(-1), "stopped 0 false");
  assert.equal(existsSync(child.path), false);
});

test("SIGTERM hurries who drains without hurry, and a second one cuts what is left", async () => {
  for (const [drain, times, forced] of [
    ["20ms", 1, false],
    ["1h", 2, true],
  ] as const) {
    await using child = await Child.start({ drain }, undefined, { drain: "SIGHUP" });
    await using desk = client(Desk, `unix:${child.path}`, { deadline: "1h" });
    const cut = assert.rejects(desk.ask("forever"), maybe);
    await child.says("asked forever");
    child.kill("SIGHUP");
    await child.says("stopping false");
    for (let time = 0; time < times; time++) {
      child.kill("SIGTERM");
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (times === 2) child.kill("SIGINT"); // two of one kind may become one
    await cut;
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.ok(child.lines.includes(`stopped 1 ${forced}`), child.lines.join());
  }
});

test("SIGHUP has it read its settings again where it is to; what fails is told, and it goes on", async () => {
  await using child = await Child.start({}, undefined, { reload: true });
  await using desk = client(Desk, `unix:${child.path}`);
  child.kill("SIGHUP");
  await child.says("reload 1");
  child.kill("SIGHUP");
  await child.says("reloading the settings are wrong");
  assert.equal(await desk.ask("now"), "now");
  child.kill("SIGHUP");
  await child.says("reload 3");
  child.kill("SIGTERM");
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});

test("who is not told to listen to them leaves SIGHUP, SIGUSR1 and SIGUSR2 to the system", async () => {
  for (const signal of ["SIGHUP", "SIGUSR2"] as const) {
    await using child = await Child.start({});
    child.kill(signal);
    assert.deepEqual(await child.ended, { code: null, signal });
  }
  const before = process.listenerCount("SIGUSR1");
  await using _app = await chassis({ name: "x", signals: { drain: true, reload: true } });
  assert.equal(process.listenerCount("SIGUSR1"), before);
});

test("signals that cannot mean what is asked for are refused at the start", async () => {
  for (const [signals, told] of [
    [{ drain: "SIGTERM" }, /signals\.drain is SIGTERM[^]*SIGHUP, SIGUSR1, SIGUSR2/],
    [{ drain: "SIGHUP", reload: true }, /SIGHUP is to drain and to reload/],
    [{ drain: true }, /SIGUSR2 is to drain, and is a notification at signal:self/],
  ] as const) {
    const Control = contract("control", { version: "1.0.0" }, { rotate: notification({}) });
    const starting = chassis({
      name: "x",
      listen: "signal:self",
      serve: [serve(Control, { rotate: () => {} })],
      signals: signals as SignalOptions,
    });
    await assert.rejects(starting, told);
  }
});

test("a process that is killed takes its calls with it at once, and the next one takes its place", async () => {
  await using child = await Child.start({});
  await using desk = client(Desk, `unix:${child.path}`, { deadline: "1h", connectWait: "30s" });
  const cut = [1, 2, 3].map(() => assert.rejects(desk.ask("forever"), maybe));
  await child.says("asked forever");
  child.kill("SIGKILL");
  await Promise.all(cut);
  assert.equal((await child.ended).signal, "SIGKILL");
  assert.ok(existsSync(child.path), "nobody was left to remove it");
  await using hasty = client(Desk, `unix:${child.path}`, { connectWait: 2_000 });
  const told = await hasty.ask.result("now");
  assert.ok(!told.ok);
  assert.match(
    told.error.message,
    new RegExp(
      `^UNAVAILABLE desk\\.ask → unix:${child.path}: nobody listens there \\(ECONNREFUSED; the socket file is left over from pid ${child.pid}, which has ended\\)\\.\n` +
        "  executed: no · attempts: \\d+ in \\d+ ms · safe to try again$",
    ),
  );
  const waiting = desk.ask("now");
  await using _next = await Child.start({}, child.path);
  assert.equal(await waiting, "now");
});
