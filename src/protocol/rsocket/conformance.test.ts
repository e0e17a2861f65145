import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { unix } from "../../transport/unix/unix.ts";
import { cbor } from "../../codec/cbor/index.ts";
import { msgpack } from "../../codec/msgpack/index.ts";
import type { Protocol } from "../protocol.ts";
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

/** Both sides speak another format, from the server's hello on. */
function formatted(protocol: Protocol): Protocol {
  return {
    ...protocol,
    connect: (address, options, env) =>
      protocol.connect(address, { format: msgpack(), ...options }, env),
    serve: (address, dispatcher, options, env) =>
      protocol.serve(address, dispatcher, { formats: [cbor(), msgpack()], ...options }, env),
  };
}

/** Cases that are about JSON itself: what only it can say, and how many bytes it takes. */
const ofJson: readonly string[] = [
  "an answer reaches its caller, whatever JSON can say",
  "inputs and answers of every size come whole, as bytes and as text",
];

suite("in another format", () => {
  const cases = protocolCases({
    make: () => formatted(rsocket(memory(new MemoryNames()))),
    address: () => "memory:suite",
    env: () => new VirtualEnv(),
  });
  for (const { name, run } of cases)
    if (!ofJson.includes(name)) test(name, { timeout: 60_000 }, run);
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
