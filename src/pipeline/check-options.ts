import { systemError } from "../base/error.ts";
import { AimdLimit } from "../resilience/aimd-limit.ts";
import { bounded, boundedWhole } from "../resilience/bounded.ts";
import { Breaker } from "../resilience/breaker.ts";
import { RetryBudget } from "../resilience/retry-budget.ts";
import type { ResilienceOptions } from "./terms.ts";

const scopes: ReadonlySet<unknown> = new Set([undefined, "endpoint", "service", "global"]);

/**
 * Refuses what would otherwise be refused only when an endpoint is found: by then nobody is there to be told.
 *
 * @throws TrunklineError INVALID_ARGUMENT that names the option.
 */
export function checkOptions({
  retry,
  breaker,
  hedge,
  limit,
  operations,
}: ResilienceOptions): void {
  for (const [name, value] of Object.entries({ retry, breaker, hedge, limit, operations }))
    checkShape(name, value);
  for (const [name, own] of Object.entries(operations ?? {})) {
    checkShape(`operations.${name}`, own);
    for (const member of ["retry", "hedge", "cache"] as const)
      checkShape(`operations.${name}.${member}`, own[member]);
  }
  if (hedge && hedge.delay === undefined) {
    throw systemError("INVALID_ARGUMENT", "hedge.delay is undefined", {
      executed: "no",
      advice: 'say after how long: "p95" of what was measured, or "50ms"',
    });
  }
  if (hedge) bounded("hedge.ratio", hedge.ratio ?? 0.05, 0, 1_000);
  if (retry) tryOut(() => new RetryBudget(retry.budget ?? {}, 0));
  const bounds = limit?.endpoint;
  if (bounds) tryOut(() => new AimdLimit(bounds));
  if (!breaker) return;
  tryOut(() => new Breaker(breaker, () => 0));
  boundedWhole("breaker quorum", breaker.quorum ?? 2, 2, 100);
  if (!scopes.has(breaker.scope)) {
    throw systemError("INVALID_ARGUMENT", `breaker.scope is ${JSON.stringify(breaker.scope)}`, {
      executed: "no",
      advice: "write endpoint, service or global",
    });
  }
}

/** What is made of options knows best which it takes. */
function tryOut(make: () => unknown): void {
  make();
}

/** `true` and numbers say nothing about how. */
function checkShape(name: string, value: unknown): void {
  if (value === undefined || value === false) return;
  if (typeof value === "object" && value !== null) return;
  throw systemError("INVALID_ARGUMENT", `${name} is ${JSON.stringify(value)}`, {
    executed: "no",
    advice: "write its options as an object, or leave it out: what is not said has a default",
  });
}
