import { blackHole } from "./black-hole.ts";
import { emptyRegistry } from "./empty-registry.ts";
import type { Scenario } from "./goal.ts";
import { month } from "./month.ts";
import { overloaded } from "./overloaded.ts";
import { recovery } from "./recovery.ts";
import { retryStorm } from "./retry-storm.ts";
import { oneFailing, oneSlow } from "./unequal-endpoints.ts";

/** Situations in which a caller or a service is to come through, each with what it is to come to. */
export const scenarios: readonly Scenario[] = [
  retryStorm,
  oneSlow,
  oneFailing,
  emptyRegistry,
  overloaded,
  recovery,
  month,
  blackHole,
];
