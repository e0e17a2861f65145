import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { unix } from "../../transport/unix/unix.ts";
import { protocolCases } from "../suite.ts";
import { rest } from "./index.ts";

for (const [version, http2] of [
  ["1.1", "never"],
  ["2", "always"],
] as const)
  suite(`over unix, HTTP/${version}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    after(() => rmSync(folder, { recursive: true }));
    let addresses = 0;
    const cases = protocolCases({
      make: () => rest({ http2 }).over(unix()),
      address: () => `http+unix:${folder}/${++addresses}.sock`,
    });
    for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
  });
