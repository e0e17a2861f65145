import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { unix } from "../../transport/unix/unix.ts";
import { protocolCases } from "../suite.ts";
import { connect } from "./index.ts";

suite("over unix", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;
  const cases = protocolCases({
    make: () => connect().over(unix()),
    address: () => `connect+unix:${folder}/${++addresses}.sock`,
    overheadBytes,
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

/** A message of one field: its tag, and how long it is, in seven bits a byte. A text is a google.protobuf.Value in it. */
function overheadBytes(kind: "raw" | "text", bytes: number): number {
  const field = (length: number): number => 1 + Math.ceil(length.toString(2).length / 7);
  const inner = field(bytes);
  return kind === "raw" ? inner : inner + field(bytes + inner);
}
