import { deepEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const Clock = contract("clock", { version: "1.0.0" }, { pid: call({}) });

const program = `
  import { call, chassis, contract, serve } from ${JSON.stringify(import.meta.resolve("../index.ts"))};
  const Clock = contract("clock", { version: "1.0.0" }, { pid: call({}) });
  const app = await chassis({ name: "clock", listen: "stdio:", serve: [serve(Clock, { pid: () => {} })] });
  console.error("stopped", JSON.stringify(await app.stopped));
`;
const args = ["--conditions=@trunkline/source", "--input-type=module", "-e", program];

test("a child stops when its parent has closed the pipes: nobody can come any more", async () => {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  const said = text(child.stderr);
  child.stdin.end();
  child.stdout.resume();
  const [code] = (await once(child, "exit")) as [number | null];
  deepEqual([code, await said], [0, 'stopped {"cut":0,"forced":false}\n']);
});

test("a chassis that others can still reach goes on when a connection of its closes", async () => {
  const app = await chassis({
    name: "clock",
    listen: ["memory:deserted-1", "memory:deserted-2"],
    signals: false,
    serve: [serve(Clock, { pid: () => {} })],
  });
  for (const address of app.addresses) {
    const clock = client(Clock, address);
    await clock.pid();
    await close(clock);
  }
  deepEqual([app.ready, app.stopping.aborted], [true, false]);
  await app.stop();
});
