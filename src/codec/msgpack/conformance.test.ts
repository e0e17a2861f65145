import { suite, test } from "node:test";
import { codecCases } from "../suite.ts";
import { msgpack } from "./index.ts";

suite("msgpack", () => {
  for (const { name, run } of codecCases(msgpack())) test(name, { timeout: 60_000 }, run);
});
