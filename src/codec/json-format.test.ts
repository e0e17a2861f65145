import { suite, test } from "node:test";
import { jsonFormat } from "./json-format.ts";
import { codecCases } from "./suite.ts";

suite("json", () => {
  for (const { name, run } of codecCases(jsonFormat)) test(name, { timeout: 60_000 }, run);
});
