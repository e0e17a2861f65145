import { join } from "node:path";
import { start } from "./child.ts";
import type { ServerQuestion } from "./server.ts";

/** So many connections each process opens: the memory of clients is not what is measured. */
const perProcess = 250;

/** What each idle connection costs a server in resident memory, in bytes. */
export async function idleBytes(folder: string, connections: number): Promise<number> {
  const path = join(folder, "idle.sock");
  const server = await start<ServerQuestion, number>(
    "server.ts",
    ["trunkline", path],
    ["--expose-gc"],
  );
  // What comes with the first connections, code and pools, is not the price of each further one.
  const first = await open(path, perProcess);
  const before = await server.ask({ ask: "memory" });
  const processes = [];
  for (let opened = 0; opened < connections; opened += perProcess) {
    processes.push(await open(path, perProcess));
  }
  const after = await server.ask({ ask: "memory" });
  for (const each of [first, ...processes]) await each.end();
  await server.end();
  return (after - before) / connections;
}

function open(path: string, count: number): ReturnType<typeof start> {
  return start("idle-clients.ts", [path, String(count)]);
}
