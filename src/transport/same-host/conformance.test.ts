import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { tcp } from "../tcp/index.ts";
import { tls } from "../tls/index.ts";
import { testAuthority } from "../tls/testing/authority.ts";
import type { Transport } from "../transport.ts";
import { moved } from "./testing/moved.ts";

const authority = testAuthority();
const own = authority.issue({ name: "orders", hosts: ["127.0.0.1"] });
const shm = { ringBytes: 65_536 };

const subjects: Readonly<Record<string, { make(): Transport; readonly scheme: string }>> = {
  "from TCP to a Unix socket": {
    make: () => moved(tcp({ sameHost: { shm: "off" } })),
    scheme: "tcp",
  },
  "from TCP to shared memory": { make: () => moved(tcp({ sameHost: { shm } })), scheme: "tcp" },
  "from TLS to shared memory": {
    make: () =>
      moved(tls({ ...own, ca: authority.cert, clientCertificate: "required", sameHost: { shm } })),
    scheme: "tls",
  },
};

for (const [name, { make, scheme }] of Object.entries(subjects)) {
  const skip = name.endsWith("memory") ? (addonProblem() ?? false) : false;
  suite(`connections that have moved ${name}`, { skip }, () => {
    const address = async (): Promise<string> => `${scheme}://127.0.0.1:${await freePort()}`;
    const cases = transportCases({ make, address, handles });
    for (const { name: sentence, run } of cases) test(sentence, { timeout: 60_000 }, run);
  });
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
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Pipe)/.test(name)).length;
}
