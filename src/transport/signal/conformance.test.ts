import { suite, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { signal } from "./index.ts";

suite("a signal that carries nothing", () => {
  const cases = transportCases({ make: signal, address: () => "signal:self?signal=SIGHUP" });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});

suite("a signal that carries a number", { skip: addonProblem() ?? false }, () => {
  const cases = transportCases({ make: signal, address: () => "signal:self?signal=SIGRTMIN+5" });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
