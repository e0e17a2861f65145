import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { realEnv } from "../base/real-env.ts";
import { registry } from "../bridge/registry/registry.ts";
import type { Instance } from "../discovery/discovery.ts";
import { Hearing } from "../discovery/suite/stage.ts";
import { tls } from "../transport/tls/index.ts";
import { testAuthority } from "../transport/tls/testing/authority.ts";
import { chassis } from "./chassis.ts";
import { registryAt } from "./registry-at.ts";

const instance: Instance = {
  id: "a",
  bootId: "1",
  contracts: ["orders@1"],
  addresses: ["tcp://127.0.0.1:1"],
  state: "ready",
};

test("over TLS, with certificates on both sides, a registry takes and tells instances, and takes nobody without", async () => {
  const env = realEnv();
  const authority = testAuthority();
  const { cert: ca } = authority;
  const own = authority.issue({ name: "registry", hosts: ["localhost"] });
  const running = await registry({ env });
  const app = await chassis({
    name: "registry",
    listen: "tls://localhost:0",
    serve: running.services,
    signals: false,
    transports: [tls({ ...own, ca, clientCertificate: "required" })],
  });
  app.stopping.addEventListener("abort", () => void running.close());
  const text = `registry+${app.addresses[0]!}`;
  {
    const peer = authority.issue({ name: "orders", hosts: ["orders"] });
    await using known = registryAt(text, { transports: [tls({ ...peer, ca })] }, env);
    const lease = await known.register(instance, {}, env);
    const { instances } = await new Hearing(known, "orders", env).ids("a");
    deepEqual(instances, [instance]);
    await using nameless = registryAt(text, { transports: [tls({ ca })] }, env);
    const { status } = await new Hearing(nameless, "orders", env).until(() => true);
    equal(status, "unavailable");
    await lease.close();
  }
  const { cut } = await app.stop();
  equal(cut, 0);
});
