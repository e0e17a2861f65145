import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { transportCases } from "../suite.ts";
import { tls, type TlsOptions } from "./index.ts";
import { testAuthority } from "./testing/authority.ts";

const authority = testAuthority();
const own = authority.issue({ name: "orders", hosts: ["127.0.0.1", "::1"] });
const options: TlsOptions = { ...own, ca: authority.cert };

for (const [variant, more] of [
  ["one-sided", {}],
  ["mutual", { clientCertificate: "required" }],
] as const) {
  const cases = transportCases({
    make: () => tls({ ...options, ...more }),
    address: async () => `tls://127.0.0.1:${await freePort()}`,
    handles,
  });
  for (const { name, run } of cases) test(`${variant}: ${name}`, { timeout: 60_000 }, run);
}

/** A port that was free a moment ago; the system gives them out in turn. */
async function freePort(): Promise<number> {
  const before = handles();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  while (handles() > before) await turn();
  return port;
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS)/.test(name)).length;
}
