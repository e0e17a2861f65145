import { jsonOfTable, tableOf } from "./routing/table-json.ts";
import type { Json } from "./storage.ts";
import type { QueueTerms } from "./terms.ts";

/** How a queue is kept: what it was declared with, and its lanes. */
export function queueDefinition(terms: QueueTerms, lanes: readonly number[]): Json {
  const said = Object.entries(terms).filter(([, value]) => value !== undefined);
  const plain = Object.fromEntries<Json>(said as [string, Json][]);
  return { terms: { ...plain, arguments: jsonOfTable(terms.arguments) }, lanes };
}

/** What `queueDefinition` wrote; what was undefined is so again. */
export function queueOfDefinition(
  value: Json,
  defaults: (name: string) => QueueTerms,
): { readonly terms: QueueTerms; readonly lanes: readonly number[] } {
  const { terms, lanes } = value as unknown as {
    readonly terms: QueueTerms & { readonly arguments: Json };
    readonly lanes: readonly number[];
  };
  const table = tableOf(terms.arguments);
  return { terms: { ...defaults(terms.name), ...terms, arguments: table }, lanes };
}
