// Replies outlive those who have asked, and calls by way of a broker those who served them: real processes, killed.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { client } from "trunkline";
import { Depot } from "./commands/depot.contract.ts";
import { fromSource, start, type Program } from "./program.ts";

const root = join(import.meta.dirname, "..");
const run = (file: string, ...args: readonly string[]): Program =>
  start(process.execPath, [...fromSource, join("test/commands", file), ...args], root);

/** A broker in a process of its own, for as long as `work` takes. */
async function withBroker(work: (address: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const place = `unix:${folder}/broker.sock`;
  const broker = start(
    process.execPath,
    [...fromSource, "src/cli/main.ts", "broker", "--listen", place],
    root,
  );
  try {
    await broker.line();
    await work(`broker+${place}`);
  } finally {
    broker.kill("SIGTERM");
    await broker.ended;
    rmSync(folder, { recursive: true });
  }
}

/** Ends with SIGKILL. */
async function killed(program: Program): Promise<string> {
  program.kill("SIGKILL");
  const { stdout } = await program.ended;
  return stdout;
}

suite("commands and calls between processes", { timeout: 120_000 }, () => {
  test("the reply to a command comes to another process when the one that has asked was killed", () =>
    withBroker(async (address) => {
      const asker = run("ask.ts", address, "o-1", "o-2", "lost");
      const tokens = JSON.parse(await asker.line()) as string[];
      equal(tokens.length, 3);
      ok(!(await killed(asker)).includes("it was not killed"));
      // One waits before there is a reply, one, of another name, long after.
      const early = run("resume.ts", address, "asker", ...tokens);
      const depot = run("serve.ts", address);
      await depot.line();
      const told = ["p-o-1", "p-o-2", "LOST lost"];
      const first = await early.ended;
      deepEqual([first.stderr, JSON.parse(first.stdout)], ["", told]);
      const late = await run("resume.ts", address, "office", ...tokens).ended;
      deepEqual([late.stderr, JSON.parse(late.stdout)], ["", told]);
      depot.kill("SIGTERM");
      equal((await depot.ended).code, 0);
    }));

  test("what a killed server had of calls is done again where that is safe, else it is maybe", () =>
    withBroker(async (address) => {
      await using depot = client(Depot, address, { retry: false });
      const buying = depot.buy.result("tea", { deadline: "1m" });
      const looking = depot.look("tea", { deadline: "1m" });
      const first = run("serve.ts", address, "stuck");
      await first.printed("ready\nbuy tea\nlook tea\n".length);
      const second = run("serve.ts", address);
      await second.line();
      await killed(first);
      const bought = await buying;
      ok(!bought.ok);
      deepEqual([bought.error.code, bought.error.executed], ["UNAVAILABLE", "maybe"]);
      equal(await looking, "saw tea");
      equal(await depot.buy("coffee"), "bought coffee");
      second.kill("SIGTERM");
      const { code, stdout } = await second.ended;
      deepEqual(
        [code, stdout.split("\n").filter((line) => line.includes("tea"))],
        [0, ["look tea"]],
      );
    }));
});
