import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { portsFileOf } from "../addresses.ts";

/** Finds a free port for each name and writes them down, for a demo that is written with addresses of TCP only. */
export async function takePorts(folder: string, names: readonly string[]): Promise<void> {
  const servers = names.map(() => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  const named = Object.fromEntries(names.map((name, index) => [name, ports[index]]));
  writeFileSync(portsFileOf(folder), JSON.stringify(named));
}
