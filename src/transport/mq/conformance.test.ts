import { readdirSync } from "node:fs";
import { after, test } from "node:test";

import { addon, addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { mq } from "./index.ts";

const names = Array.from({ length: 30 }, (_, i) => `/trunkline-suite-${process.pid}-${i}`);
let used = 0;

const remove = (): void => {
  for (const name of names.slice(0, used)) addon()?.queueRemove(name);
};
after(remove);

const cases = transportCases({
  make: mq,
  // Those of earlier cases are nobody's any more, and all of a user together have little room.
  address: () => {
    remove();
    return `mq:${names[used++]}?messages=10&bytes=4096`;
  },
  handles: () => readdirSync("/proc/self/fd").length,
});

const skip = addonProblem() ?? false;
for (const { name, run } of cases) test(name, { timeout: 60_000, skip }, run);
