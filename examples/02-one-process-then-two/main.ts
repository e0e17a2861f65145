// The same code against one process and against two: the difference is one address.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { client } from "trunkline";
import { Clock } from "./clock.contract.ts";
import { serveClock } from "./server.ts";

async function use(address: string): Promise<void> {
  await using clock = client(Clock, address);
  for await (const tick of clock.ticks({ most: 1_000_000 })) {
    if (tick === 3) break; // the server stops too
  }
  await clock.reset();
  for await (const tick of clock.ticks({ most: 2 })) console.log(`tick ${tick}`);
  console.log(`count ${await clock.count()}`);
}

console.log("one process, memory:clock");
{
  await using _app = await serveClock("memory:clock");
  await use("memory:clock");
}

console.log("two processes, unix:./clock.sock");
const server = join(import.meta.dirname, "server.ts");
const child = spawn(process.execPath, [...process.execArgv, server, "unix:./clock.sock"]);
await use("unix:./clock.sock"); // the first call waits until the server listens
child.kill("SIGTERM");
const [code] = await once(child, "exit");
console.log(`the server drained and ended with ${code}`);
