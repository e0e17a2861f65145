import { suite, test } from "node:test";
import { codecCases } from "../suite.ts";
import { cbor } from "./index.ts";

suite("cbor", () => {
  for (const { name, run } of codecCases(cbor())) test(name, { timeout: 60_000 }, run);
});
