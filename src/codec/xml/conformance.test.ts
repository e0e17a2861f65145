import { suite, test } from "node:test";
import { codecCases } from "../suite.ts";
import { xml } from "./index.ts";

suite("xml", () => {
  for (const { name, run } of codecCases(xml())) test(name, { timeout: 60_000 }, run);
});
