// Two swim lanes through three services, a process for each: everything of one lane is killed, and the other hears nothing of it.
import { deepEqual, equal, ok } from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { client } from "trunkline";
import { tiers, type Tier } from "./lanes/contract.ts";
import { fromSource } from "./program.ts";

const lanes = ["blue", "green"] as const;
type Lane = (typeof lanes)[number];

const folder = mkdtempSync(join(tmpdir(), "trunkline-lanes-"));
const children: { readonly lane: Lane; readonly process: ChildProcess }[] = [];

after(() => {
  for (const each of children) each.process.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function start(tier: Tier, lane: Lane): Promise<void> {
  const made = fork(join(import.meta.dirname, "lanes/service.ts"), [tier, lane, folder], {
    execArgv: fromSource,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push({ lane, process: made });
  await once(made, "message");
}

test(
  "all processes of one lane are killed: not one call of the other fails, and all of this one do",
  { timeout: 120_000 },
  async () => {
    for (const lane of lanes)
      for (const tier of ["back", "middle", "front"] as const) await start(tier, lane);
    await using front = client(tiers.front, "service:front", {
      discovery: `directory:${folder}/services`,
      connectWait: "1s",
    });
    const outcome = async (lane: Lane): Promise<string> => {
      const result = await front.ask.result(undefined, { lane, deadline: "5s" });
      return result.ok ? result.value : `${result.error.code} ${result.error.executed}`;
    };
    const path = (lane: Lane): string => `front ${lane} > middle ${lane} > back ${lane}`;
    for (const lane of lanes) equal(await outcome(lane), path(lane));

    let killed = false;
    const blue: Promise<string>[] = [];
    const green: Promise<string>[] = [];
    const dead = Promise.all(
      children.filter(({ lane }) => lane === "blue").map(({ process: each }) => once(each, "exit")),
    ).then(() => (killed = true));
    for (let calls = 0; calls < 600; calls++) {
      green.push(outcome("green"));
      if (calls % 10 === 0) blue.push(outcome("blue"));
      if (calls === 200)
        for (const { lane, process: each } of children) if (lane === "blue") each.kill("SIGKILL");
      if (calls === 400) await dead;
      if (calls % 5 === 0) await Promise.race([green.at(-1), blue.at(-1)]);
    }
    ok(killed);
    deepEqual(new Set(await Promise.all(green)), new Set([path("green")]));
    const told = await Promise.all(blue);
    equal(told[0], path("blue"));
    ok(
      !told.some((each) => each.includes("green")),
      "no call of one lane was answered by the other",
    );
    equal(await outcome("blue"), "UNAVAILABLE no");
    equal(await outcome("green"), path("green"));
  },
);
