import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { realEnv } from "../base/real-env.ts";
import { registryAt } from "../chassis/registry-at.ts";
import type { Instance } from "../discovery/discovery.ts";
import { run } from "./program.ts";
import type { Terminal } from "./terminal.ts";

interface Running {
  readonly ended: Promise<number>;
  readonly lines: string[];
  /** Resolves when so many lines have been printed. */
  printed(count: number): Promise<void>;
  interrupt(): void;
}

function begin(...words: readonly string[]): Running {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const interruption = new AbortController();
  const terminal: Terminal = {
    print: async (text) => {
      lines.push(...String(text).trimEnd().split("\n"));
      for (const look of waiting) look();
    },
    tell: (text) => void lines.push(`! ${text}`),
    ...{ colours: false, interactive: false, live: false, columns: 80, typed: false },
    input: async function* input() {},
    interrupted: interruption.signal,
    env: realEnv(),
    version: "0.0.0",
  };
  return {
    ended: run(words, terminal),
    lines,
    printed: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    interrupt: () => interruption.abort(),
  };
}

const instance: Instance = {
  id: "desk-1",
  bootId: "1",
  contracts: ["desk@1", "till@2"],
  addresses: ["unix:/run/desk.sock", "tcp://10.0.0.1:7000"],
  state: "ready",
  lane: "blue",
};

test("a registry is run, listed and watched, and Ctrl-C ends each in order", async () => {
  const address = "memory:cli-registry";
  const running = begin("registry", "--listen", address);
  await running.printed(1);
  deepEqual(running.lines, [`registry at ${address}`]);
  await using discovery = registryAt(`registry+${address}`);
  const lease = await discovery.register(instance, {}, realEnv());

  const watching = begin("registry", "watch", address, "desk");
  await watching.printed(2);
  match(watching.lines[0]!, /^\+\S+ m?s +desk {4}1 instance$/);
  match(watching.lines[1]!, /desk-1 +ready +blue +desk@1 till@2 +unix:\/run\/desk.sock tcp:/);

  const listed = begin("registry", "list", address);
  equal(await listed.ended, 0);
  match(
    listed.lines.join("\n"),
    /^1 instance, 1 watched, begun not long ago\n {2}desk +1\n {2}till +1$/,
  );
  const told = begin("registry", "list", address, "till", "--json");
  equal(await told.ended, 0);
  deepEqual((JSON.parse(told.lines[0]!) as { instances: unknown }).instances, [instance]);

  await lease.close();
  await watching.printed(3);
  match(watching.lines[2]!, /desk {4}0 instances$/);
  watching.interrupt();
  equal(await watching.ended, 130);
  running.interrupt();
  equal(await running.ended, 0);
});

test("what it knew is said when it begins again with its folder", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const address = "memory:cli-registry-kept";
  const words = ["registry", "--listen", address, "--data", folder, "--json"];
  const first = begin(...words);
  await first.printed(1);
  const discovery = registryAt(`registry+${address}`);
  await discovery.register(instance, { ttlMs: 60_000 }, realEnv());
  first.interrupt(); // the process that registered does not deregister: it is still there
  equal(await first.ended, 0);
  const second = begin(...words);
  await second.printed(1);
  deepEqual(JSON.parse(second.lines[0]!), { listening: [address], instances: 1 });
  await discovery.close();
  second.interrupt();
  equal(await second.ended, 0);
});

test("without an address, and with words that nobody reads, nothing is begun", async () => {
  equal(await begin("registry").ended, 2);
  equal(await begin("registry", "lisst", "memory:x").ended, 2);
  equal(await begin("registry", "--listen", "memory:x", "--client-certificate", "odd").ended, 2);
});
