import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

import { realEnv } from "../../../base/real-env.ts";

/** A port that was free a moment ago; the system gives them out in turn. `handles`: how many sockets the process has open. */
export async function freePort(handles: () => number): Promise<number> {
  const before = handles();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  const env = realEnv();
  while (handles() > before) await new Promise<void>((resolve) => env.yield(resolve));
  return port;
}
