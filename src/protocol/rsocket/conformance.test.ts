import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { unix } from "../../transport/unix/unix.ts";
import { protocolCases } from "../suite.ts";
import { rsocket } from "./index.ts";

suite("over memory, in virtual time", () => {
  const cases = protocolCases({
    make: () => rsocket(memory(new MemoryNames())),
    address: () => "memory:suite",
    env: () => new VirtualEnv(),
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

suite("over unix", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;
  const cases = protocolCases({
    make: () => rsocket(unix()),
    address: () => `unix:${folder}/${++addresses}.sock`,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
