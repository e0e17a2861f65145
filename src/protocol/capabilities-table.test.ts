import { equal } from "node:assert/strict";
import { test } from "node:test";

import { tcp } from "../transport/tcp/index.ts";
import { protocolsTable } from "./capabilities-table.ts";
import { rest } from "./rest/index.ts";

test("the table has a row for each protocol and says what it promises, and what it lacks", () => {
  const [heading, , row] = protocolsTable([rest().over(tcp())]).split("\n");
  equal(heading!.split("|").length, row!.split("|").length);
  equal(row, "| `rest` | all but duplex | yes | yes | no | by bytes | no |");
});
