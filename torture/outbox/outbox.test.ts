import { ok } from "node:assert/strict";
import { test } from "node:test";
import { tortureOutbox } from "./outbox.ts";
import { worldless, type StoreName } from "./worlds.ts";

const seconds = 12;

for (const name of ["sqlite", "postgres"] satisfies StoreName[]) {
  const skip = worldless(name) ?? false;
  test(
    `processes that publish and handle in transactions of ${name} lose and double nothing, whichever of them is killed`,
    { skip },
    async () => {
      const seed = Math.floor(Math.random() * 1_000_000);
      const told: string[] = [];
      const progress = (text: string): void => void told.push(text);
      const terms = { kills: seconds * 2, seconds, seed, progress };
      const report = await tortureOutbox({ stores: [name], broker: "file", ...terms });
      ok(report.ok, `${report.told.join("\n")}\n${told.slice(-10).join("\n")}`);
    },
  );
}
