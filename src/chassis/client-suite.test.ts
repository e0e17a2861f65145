import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { milliseconds } from "../base/duration.ts";
import { clientCases, type ClientSubject } from "../call/client-suite.ts";
import { rsocket } from "../protocol/rsocket/index.ts";
import { unix } from "../transport/unix/unix.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

/** The whole way that a user's call takes, through `client` and `chassis`. */
function subject(address: () => string): ClientSubject {
  return {
    capabilities: rsocket(unix()).capabilities,
    address,
    serve: async (services, listen, { drain = 0, ...terms }, env) => {
      const stop = { drain: milliseconds(drain) };
      const options = { name: "suite", listen, serve: services, signals: false, stop, env };
      const app = await chassis({ ...options, ...terms });
      return {
        get inFlight() {
          return app.inFlight;
        },
        stop: async () => (await app.stop()).cut,
      };
    },
    connect: (contract, place, terms, env) => client(contract, place, { ...terms, env }),
  };
}

suite("over unix, through client and chassis", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;
  const cases = clientCases(subject(() => `unix:${folder}/${++addresses}.sock`));
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
