import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Instance } from "../discovery.ts";
import { discoveryCases } from "../suite.ts";
import { directory } from "./index.ts";

/** Registers in a process of its own, and kills that. */
async function abandon(folder: string, instance: Instance, ttlMs: number): Promise<void> {
  const script = `
    const { directory } = await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
    const { realEnv } = await import(${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))});
    await directory(${JSON.stringify(folder)}).register(${JSON.stringify(instance)}, { ttlMs: ${ttlMs} }, realEnv());
    process.stdout.write("registered");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  // Long enough that everybody has seen it.
  setTimeout(() => child.kill("SIGKILL"), 300);
}

const cases = discoveryCases({
  capabilities: directory("/").capabilities,
  grips: ["interrupt", "spoil", "abandon", "forget"],
  open: async () => {
    const parent = mkdtempSync(join(tmpdir(), "trunkline-"));
    const folder = join(parent, "services");
    const away = join(parent, "away");
    return {
      client: () => directory(folder),
      interrupt: async () => {
        // It may not be there yet.
        try {
          renameSync(folder, away);
        } catch {}
        writeFileSync(folder, "");
      },
      restore: async () => {
        unlinkSync(folder);
        try {
          renameSync(away, folder);
        } catch {}
      },
      spoil: async () => {
        writeFileSync(join(folder, "torn.json"), '{"instance":{"id"');
        writeFileSync(join(folder, "other.json"), '{"instance":{},"owner":{"pid":1},"ttlMs":1}');
        writeFileSync(join(folder, "pid.json"), '{"owner":{"pid":-1},"ttlMs":100000}');
        writeFileSync(join(folder, "large.json"), "x".repeat(1_000_000));
        symlinkSync("/dev/zero", join(folder, "zero.json"));
      },
      abandon: (instance, ttlMs) => abandon(folder, instance, ttlMs * 100),
      forget: async (id) => unlinkSync(join(folder, `${id}.json`)),
      close: async () => rmSync(parent, { recursive: true }),
    };
  },
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
