import { after, before, suite, test } from "node:test";

import { etcdAt } from "../../../scripts/servers/etcd.ts";
import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { wireTo } from "../../../scripts/servers/wire.ts";
import { discoveryCases } from "../suite.ts";
import { etcd } from "./index.ts";
import { RawEtcd } from "./testing/raw.ts";

const skip = missing(etcdAt("etcd", 0, 0)) ?? false;

suite("with a real etcd", { skip }, () => {
  let server: Running;
  let cases = 0;
  before(async () => {
    server = await running(etcdAt("etcd", await freePort(), await freePort()));
  });
  after(() => server[Symbol.asyncDispose]());

  const subject = discoveryCases({
    capabilities: etcd().capabilities,
    grips: ["put", "interrupt", "spoil", "abandon", "forget"],
    quietMs: 200,
    open: async () => {
      const wire = await wireTo(Number(server.address.split(":")[1]));
      const prefix = `case-${++cases}/`;
      const direct = new RawEtcd(`http://${server.address}`, prefix);
      return {
        client: () =>
          etcd({ urls: [`http://127.0.0.1:${wire.port}`], prefix, answerMs: 500, resyncMs: 2_000 }),
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
