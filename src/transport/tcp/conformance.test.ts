import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { transportCases } from "../suite.ts";
import { tcp } from "./index.ts";

for (const [family, host, shown] of [
  ["IPv4", "127.0.0.1", "127.0.0.1"],
  ["IPv6", "::1", "[::1]"],
] as const) {
  const cases = transportCases({
    make: tcp,
    address: async () => `tcp://${shown}:${await freePort(host)}`,
    handles,
  });
  for (const { name, run } of cases) test(`${family}: ${name}`, { timeout: 60_000 }, run);
}

/** A port that was free a moment ago; the system gives them out in turn. */
async function freePort(host: string): Promise<number> {
  const before = handles();
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  while (handles() > before) await turn();
  return port;
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
}
