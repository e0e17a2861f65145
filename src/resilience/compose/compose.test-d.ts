import { cache } from "./cache-stage.ts";
import { compose, type Guarded } from "./compose.ts";
import { fallback } from "./fallback-stage.ts";
import { breaker } from "./gate-stages.ts";
import { retry } from "./retry-stage.ts";
import { timeout } from "./timeout-stage.ts";

declare function priceOf(input: { item: string }): Promise<number>;

// The function keeps its types.
const plain: Guarded<{ item: string }, number> = compose(retry(), breaker(), timeout("1s")).around(
  priceOf,
);
void plain({ item: "kettle" }, { deadline: "2s" });
// @ts-expect-error: the input is the function's
void plain({ name: "kettle" });

// A fallback adds what it answers, and only that.
const other: Guarded<{ item: string }, number | string> = compose(
  retry(),
  fallback("unknown"),
).around(priceOf);
void other;
// @ts-expect-error: it may answer a text
const wrong: Guarded<{ item: string }, number> = compose(fallback("unknown")).around(priceOf);
void wrong;

// A key and a fallback function say which inputs they understand.
const keyed = compose(
  cache({ key: (input: { item: string }) => input.item }),
  fallback((_failure, input: { item: string }) => input.item.length),
);
void keyed.around(priceOf);
// @ts-expect-error: this function has another input
void keyed.around(async (input: number) => input);

// @ts-expect-error: a duration has a unit
timeout("1 second");
