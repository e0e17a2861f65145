import { test } from "node:test";
import { channels } from "../src/base/diagnostics.ts";
import { Input } from "./target.ts";
import { targets } from "./targets.ts";

channels.incident.subscribe(() => {}); // handlers that throw are part of the game

for (const target of targets) {
  test(`${target.name} withstands its first inputs; npm run fuzz gives it more`, async () => {
    for (let seed = 1; seed <= target.batch * 10; seed++) {
      const input = new Input(seed);
      try {
        await target.run(input);
      } catch (cause) {
        const sent = input.sent.join("\n  ");
        throw new Error(`seed ${seed}, which sends\n  ${sent}`, { cause });
      }
    }
  });
}
