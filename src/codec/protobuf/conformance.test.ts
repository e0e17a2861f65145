import { suite, test } from "node:test";
import { codecCases } from "../suite.ts";
import { protobuf } from "./protobuf-format.ts";

suite("protobuf", () => {
  for (const { name, run } of codecCases(protobuf())) test(name, { timeout: 60_000 }, run);
});
