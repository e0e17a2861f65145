import { after, before, suite, test } from "node:test";

import { consulAt } from "../../../scripts/servers/consul.ts";
import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { wireTo } from "../../../scripts/servers/wire.ts";
import { discoveryCases } from "../suite.ts";
import { consul } from "./index.ts";
import { RawConsul } from "./testing/raw.ts";

const skip = missing(consulAt("consul", 0, { rpc: 0, serf: 0 })) ?? false;

suite("with a real Consul", { skip }, () => {
  let server: Running;
  let cases = 0;
  before(async () => {
    const ports = { rpc: await freePort(), serf: await freePort() };
    server = await running(consulAt("consul", await freePort(), ports));
  });
  after(() => server[Symbol.asyncDispose]());

  const subject = discoveryCases({
    capabilities: consul().capabilities,
    grips: ["put", "interrupt", "spoil", "abandon", "forget"],
    quietMs: 300,
    open: async () => {
      const wire = await wireTo(Number(server.address.split(":")[1]));
      const prefix = `case-${++cases}-`;
      const direct = new RawConsul(`http://${server.address}`, prefix);
      return {
        client: () =>
          consul({ urls: [`http://127.0.0.1:${wire.port}`], prefix, answerMs: 500, waitMs: 2_000 }),
        put: (service, instances) => direct.put(service, instances),
        interrupt: async () => wire.cut(),
        restore: async () => wire.mend(),
        spoil: (service) => direct.spoil(service),
        abandon: (instance, ttlMs) => direct.abandon(instance, ttlMs),
        forget: (id) => direct.forget(id),
        close: async () => wire[Symbol.asyncDispose](),
      };
    },
  });

  for (const { name, run } of subject) test(name, { timeout: 60_000 }, run);
});
