import { equal } from "node:assert/strict";
import { test } from "node:test";

import { capabilitiesTable } from "./capabilities-table.ts";
import { memory } from "./memory/index.ts";
import { unix } from "./unix/index.ts";

test("the table has a row for each transport and says what it promises", () => {
  equal(
    capabilitiesTable([memory(), unix()]),
    `| transport | between processes | between hosts | in order | nothing lost while open | death of the peer noticed at once | largest frame |
| --- | --- | --- | --- | --- | --- | --- |
| \`memory:\` | no | no | yes | yes | yes | 16 MiB |
| \`unix:\` | yes | no | yes | yes | yes | 16 MiB |
`,
  );
});
