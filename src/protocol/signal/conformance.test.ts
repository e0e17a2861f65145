import { suite, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { signal as transport } from "../../transport/signal/index.ts";
import { protocolCases } from "../suite.ts";
import { signal } from "./index.ts";

suite("a signal that carries nothing", () => {
  const cases = protocolCases({
    make: () => signal().over(transport()),
    address: () => "signal:self?signal=SIGHUP",
    inputs: [undefined],
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

suite("a signal that carries a number", { skip: addonProblem() ?? false }, () => {
  const cases = protocolCases({
    make: () => signal().over(transport()),
    address: () => "signal:self?operation=suite.note&signal=SIGRTMIN+6",
    inputs: [7, 0, -1, 2_147_483_647, -2_147_483_648],
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
