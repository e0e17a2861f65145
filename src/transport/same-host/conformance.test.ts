import { suite, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { tcp } from "../tcp/index.ts";
import { tls } from "../tls/index.ts";
import { testAuthority } from "../tls/testing/authority.ts";
import type { Transport } from "../transport.ts";
import { freePort } from "./testing/free-port.ts";
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
    const address = async (): Promise<string> => `${scheme}://127.0.0.1:${await freePort(handles)}`;
    const cases = transportCases({ make, address, handles });
    for (const { name: sentence, run } of cases) test(sentence, { timeout: 60_000 }, run);
  });
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Pipe)/.test(name)).length;
}
