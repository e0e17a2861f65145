import { equal, match } from "node:assert/strict";
import { test } from "node:test";

import { headerText, headerValue, quoted, unquoted } from "./header-names.ts";

test("a header carries every text that has no control characters", () => {
  for (const text of ["", "plain", "ü ❄ 😀", 'say "no" \\ yes'])
    equal(headerText(headerValue(text)), text);
  match(headerValue("❄"), /^[\u0080-\u00ff]+$/);
  equal(headerText("caf\u00e9"), "caf\u00e9", "what is not UTF-8 stays as it came");
});

test("an idempotency key is quoted, and read with quotes and without", () => {
  equal(quoted("a-1"), '"a-1"');
  for (const key of ["key ü 1", 'with "quotes" and \\', ""]) equal(unquoted(quoted(key)), key);
  equal(unquoted("bare"), "bare");
});
