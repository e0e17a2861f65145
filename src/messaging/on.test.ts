import { throws } from "node:assert/strict";
import { test } from "node:test";

import { contract } from "../contract/contract.ts";
import { document } from "../contract/document.ts";
import { on } from "./on.ts";

test("who consumes without a handler, as Node runs it unchecked, is refused at once", () => {
  const { label } = contract("orders", { version: "1.0.0" }, { label: document({}) });
  const unchecked = on as (...args: unknown[]) => unknown;
  throws(() => unchecked(label, () => {}), { code: "INVALID_ARGUMENT", advice: /^write on\(/ });
});
