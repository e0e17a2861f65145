import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../suite.ts";
import { Node } from "./node.ts";
import { embeddedCapabilities, SharedEmbedded } from "./port/shared-embedded.ts";
import { openSqliteStorage } from "./storage/open.ts";

/** A broker over files of its own. */
async function stand() {
  const base = await mkdtemp(join(tmpdir(), "trunkline-embedded-"));
  let lives = 0;
  const begin = async () => {
    const folder = join(base, String(lives));
    const node = new Node(await openSqliteStorage(folder, {}, realEnv()), realEnv());
    return { node, folder, shared: new SharedEmbedded(node, { address: "file:suite" }) };
  };
  const all = [await begin()];
  return {
    prefix: "suite",
    open: async (name: string) => all.at(-1)!.shared.open(name),
    // What is on disk at this instant is what a killed process would leave behind.
    restart: async () => {
      const { folder } = all.at(-1)!;
      await cp(folder, join(base, String(++lives)), { recursive: true });
      all.push(await begin());
    },
    close: async () => {
      for (const { node, shared } of all) {
        shared.close();
        await node.close();
      }
      await rm(base, { recursive: true });
    },
  };
}

const cases = brokerCases({ capabilities: embeddedCapabilities, env: realEnv, stand }, ["restart"]);

for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
