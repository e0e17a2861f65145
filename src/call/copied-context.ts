import type { Context, Interceptor } from "../base/handler.ts";
import { currentContext, ServedContext } from "./served-context.ts";

/** What a served context makes when it is asked for: a copy of its fields lacks it. */
const madeWhenAsked = [
  "headers",
  "deadline",
  "signal",
  "idempotencyKey",
  "lane",
  "peer",
  "refuse",
] as const;

/** The interceptor, whatever it passes on: `{ ...context, headers }` is as good as the context itself. */
export function passingCopies(interceptor: Interceptor): Interceptor {
  return (next) => interceptor((input, passed) => next(input, completed(passed)));
}

function completed(passed: Context): Context {
  if (passed instanceof ServedContext) return passed;
  const context = currentContext();
  if (context === undefined) return passed;
  const missing = [...madeWhenAsked, ...context.slots].filter(
    (name) => !Object.hasOwn(passed, name),
  );
  if (missing.length === 0) return passed;
  const whole = { ...passed };
  const source = context as unknown as Readonly<Record<string, unknown>>;
  for (const name of missing) {
    const get = (): unknown => source[name];
    Object.defineProperty(whole, name, { get, enumerable: true });
  }
  return whole;
}
