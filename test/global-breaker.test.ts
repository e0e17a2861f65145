// A breaker that opens in every process when two hosts saw an endpoint fail: a registry, a server and four callers, each a
// process of its own, the callers each on a host of its own name.
import { equal, ok } from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "trunkline-breaker-"));
const flag = join(folder, "fails");
const desk = `unix:${folder}/desk.sock`;
const registryAddress = `unix:${folder}/registry.sock`;
const children: ChildProcess[] = [];

after(() => {
  for (const each of children) each.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function child(file: string, ...args: readonly string[]): Promise<ChildProcess> {
  const made = fork(join(import.meta.dirname, "global-breaker", file), args, {
    execArgv: fromSource,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(made);
  await once(made, "message");
  return made;
}

async function ask(of: ChildProcess): Promise<unknown> {
  of.send("call");
  const [answer] = (await once(of, "message")) as [unknown];
  return answer;
}

/** Asks all at once, again and again, until it is so; a watchdog ends what never becomes so. */
async function until(callers: readonly ChildProcess[], so: (told: unknown) => boolean) {
  for (;;) {
    const told = await Promise.all(callers.map(ask));
    if (told.every(so)) return;
    await sleep(20);
  }
}

const shut = (told: unknown): boolean => told === "gate breaker";
const fine = (told: unknown): boolean => told === "ok";

test(
  "two of four hosts see it fail: all are shut, one looks at a time, and all are free when it answers",
  {
    timeout: 120_000,
  },
  async (context) => {
    const program = join(root, "src/cli/main.ts");
    const args = [...fromSource, program, "registry", "--listen", registryAddress];
    const registry = start(process.execPath, args, folder);
    await registry.line();
    const server = await child("server.ts", desk, flag);
    const callers = await Promise.all(
      ["h1", "h2", "h3", "h4"].map((host) => child("caller.ts", desk, registryAddress, host)),
    );
    const [first, second, third, fourth] = callers as [
      ChildProcess,
      ChildProcess,
      ChildProcess,
      ChildProcess,
    ];
    await until(callers, fine);
    await sleep(500); // all follow the exchange by now

    writeFileSync(flag, "");
    for (let time = 0; time < 5; time++)
      for (const each of [first, second]) equal(await ask(each), "INTERNAL yes");
    const failedAt = performance.now();
    await until([first, second], shut);
    // These two have not seen a single failure.
    await until([third, fourth], shut);
    context.diagnostic(`all four shut after ${Math.round(performance.now() - failedAt)} ms`);

    const before = (await ask(server)) as number;
    const from = performance.now();
    let seen = 0;
    while (performance.now() - from < 6_500) {
      const told = await Promise.all(callers.map(ask));
      seen += told.filter((each) => !shut(each)).length;
      await sleep(10);
    }
    const looked = ((await ask(server)) as number) - before;
    equal(looked, seen);
    ok(looked >= 1 && looked <= 4, `${looked} requests came through in 6.5 s; one in 2 s may look`);

    rmSync(flag);
    await until(callers, fine);
    context.diagnostic("all four call again");

    writeFileSync(flag, "");
    for (let time = 0; time < 5; time++) for (const each of [first, second]) await ask(each);
    await until(callers, shut);
    registry.kill("SIGKILL");
    await registry.ended;
    // Without the others each is alone: the third has seen too little to shut anything by itself.
    await until([third], (told) => told === "INTERNAL yes");

    for (const each of callers) each.send("end");
    await Promise.all(callers.map((each) => once(each, "exit")));
    server.kill("SIGTERM");
    await once(server, "exit");
  },
);
