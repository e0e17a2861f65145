import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { unix } from "../../transport/unix/unix.ts";
import { protocolCases } from "../suite.ts";
import { rest } from "./index.ts";

suite("over unix, HTTP/1.1", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;
  const cases = protocolCases({
    make: () => rest().over(unix()),
    address: () => `http+unix:${folder}/${++addresses}.sock`,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
