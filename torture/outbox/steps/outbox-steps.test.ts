import { ok } from "node:assert/strict";
import { test } from "node:test";
import { worldless, type StoreName } from "../worlds.ts";
import { tortureSteps } from "./outbox-steps.ts";

for (const name of ["sqlite", "postgres"] satisfies StoreName[]) {
  const skip = worldless(name) ?? false;
  test(
    `whoever dies at any step of a message in ${name} loses and doubles nothing`,
    { skip },
    async () => {
      const seed = Math.floor(Math.random() * 1_000_000);
      const told: string[] = [];
      const progress = (text: string): void => void told.push(text);
      const report = await tortureSteps({ stores: [name], times: 1, seed, progress });
      ok(report.ok, `${report.told.join("\n")}\n${told.slice(-10).join("\n")}`);
    },
  );
}
