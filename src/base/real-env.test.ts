import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { alarmAt, sleep } from "./alarm.ts";
import { realEnv } from "./real-env.ts";

test("a process has one real environment, whose clock does not go back", async () => {
  const env = realEnv();
  assert.equal(realEnv(), env);
  const before = env.now();
  await sleep(env, 5);
  assert.ok(env.now() >= before + 5, "an alarm never rings before it is due");
  assert.ok(Math.abs(env.wall() - Date.now()) < 1_000);
  assert.equal(env.alarms, 0);
});

test("alarms ring in the order of their times, whatever order they were set in", async () => {
  const env = realEnv();
  const now = env.now();
  const rung: number[] = [];
  for (const ms of [30, 10, 20, 1]) alarmAt(env, now + ms, () => rung.push(ms));
  const cleared = alarmAt(env, now + 15, () => rung.push(15));
  env.clear(cleared);
  await sleep(env, 40);
  assert.deepEqual(rung, [1, 10, 20, 30]);
});

test("deferred work runs before input is read, yielded work after it", async () => {
  const env = realEnv();
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    env.yield(() => {
      ran.push("yielded");
      resolve();
    });
    env.defer(() => ran.push("deferred"));
    ran.push("now");
  });
  assert.deepEqual(ran, ["now", "deferred", "yielded"]);
});

test("a wait of a hundred years sets no timer that the system cannot have", async () => {
  const env = realEnv();
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warn);
  const alarm = alarmAt(env, env.now() + 100 * 365 * 86_400_000, () => assert.fail("too early"));
  await sleep(env, 10);
  env.clear(alarm);
  process.off("warning", warn);
  assert.deepEqual(warnings, []);
});

test("an alarm keeps the process, and one that was cleared does not", async () => {
  const program = (act: string): string => `
    import { alarmAt } from ${JSON.stringify(import.meta.resolve("./alarm.ts"))};
    import { realEnv } from ${JSON.stringify(import.meta.resolve("./real-env.ts"))};
    const env = realEnv();
    ${act}`;
  const waits = `alarmAt(env, env.now() + 30, () => console.log("rung"));`;
  assert.equal(await output(program(waits)), "rung\n");
  // Should it wait nevertheless, the watchdog of the test says so.
  const cleared = `
    env.clear(alarmAt(env, env.now() + 600_000, () => {}));
    env.clear(alarmAt(env, env.now() + 900_000, () => {}));
    console.log("done");`;
  assert.equal(await output(program(cleared)), "done\n");
});

function output(program: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const args = ["--input-type=module", "--eval", program];
  execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout) => {
    if (error === null) resolve(stdout);
    else reject(error);
  });
  return promise;
}
