import { suite, test } from "node:test";
import { codecCases } from "../suite.ts";
import { avro } from "./index.ts";

suite("avro", () => {
  for (const { name, run } of codecCases(avro())) test(name, { timeout: 60_000 }, run);
});
