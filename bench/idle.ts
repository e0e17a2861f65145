import { start, type Child } from "./child.ts";
import type { ServerQuestion } from "./server.ts";

/** So many connections each process opens: the memory of clients is not what is measured. */
const perProcess = 250;

/** What each idle connection costs a server in resident memory, in bytes. */
export async function idleBytes(folder: string, connections: number): Promise<number> {
  const server = await start<ServerQuestion, number>(
    "server.ts",
    ["trunkline", folder],
    ["--expose-gc"],
  );
  // What comes with the first connections, code and pools, is not the price of each further one.
  const first = await openIdle(server.about, perProcess);
  const before = await server.ask({ ask: "memory" });
  const others = await openIdle(server.about, connections);
  const after = await server.ask({ ask: "memory" });
  for (const each of [...first, ...others]) await each.end();
  await server.end();
  return (after - before) / connections;
}

/** Opens connections that idle until their processes are ended. */
export async function openIdle(
  address: string,
  connections: number,
): Promise<Child<object, unknown>[]> {
  const processes: Child<object, unknown>[] = [];
  for (let opened = 0; opened < connections; opened += perProcess) {
    const count = Math.min(perProcess, connections - opened);
    processes.push(await start("idle-clients.ts", [address, String(count)]));
  }
  return processes;
}
