import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { multicast } from "../../transport/multicast/index.ts";
import { udp } from "../../transport/udp/index.ts";
import { unixgram } from "../../transport/unixgram/index.ts";
import { freePort } from "../../transport/udp/testing/free-port.ts";
import { protocolCases } from "../suite.ts";
import { datagram } from "./index.ts";

suite("over Unix datagrams", { skip: addonProblem() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;
  const cases = protocolCases({
    make: () => datagram().over(unixgram()),
    address: () => `unixgram:${folder}/${++addresses}.sock`,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

suite("over UDP", () => {
  const cases = protocolCases({
    make: () => datagram().over(udp()),
    address: async () => `udp://127.0.0.1:${await freePort()}`,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

suite("over a multicast group", () => {
  const cases = protocolCases({
    make: () => datagram().over(multicast()),
    address: async () => `udp+multicast://239.255.77.8:${await freePort()}`,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
