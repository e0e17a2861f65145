export {
  compose,
  composeWith,
  type Composed,
  type ComposeOptions,
  type ExtraOf,
  type Guarded,
  type GuardedCallOptions,
  type InputOf,
  type StageState,
} from "./compose/compose.ts";
export type { Work } from "./compose/innermost.ts";
export { bulkhead, type BulkheadStageOptions } from "./compose/bulkhead-stage.ts";
export { cache, type CacheStageOptions } from "./compose/cache-stage.ts";
export { fallback, type FallbackOptions } from "./compose/fallback-stage.ts";
export { breaker, gate, limit, throttle } from "./compose/gate-stages.ts";
export { hedge, type HedgeStageOptions } from "./compose/hedge-stage.ts";
export { retry, type RetryStageOptions } from "./compose/retry-stage.ts";
export { timeout } from "./compose/timeout-stage.ts";
export type { Run } from "./compose/scope.ts";
export type { Stage } from "./compose/stage.ts";
export type { AimdLimitOptions } from "./aimd-limit.ts";
export type { BreakerOptions } from "./breaker.ts";
export type { BulkheadOptions } from "./bulkhead.ts";
export type { Ask, Gate, Permit, Rejection } from "./gate.ts";
export type { OutcomeKind } from "./outcome.ts";
export type { RetryBudgetOptions } from "./retry-budget.ts";
export type { ThrottleOptions } from "./throttle.ts";
