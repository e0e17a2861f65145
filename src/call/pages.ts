import { systemError } from "../base/error.ts";
import type { CallOptions } from "./client-type.ts";

/** What the fields of a list that comes in pages are called. */
export interface PageFields {
  /** Of the input: where the page begins. Default `cursor`. */
  readonly cursor?: string;
  /** Of the answer: where the next one begins; absent, `null` or empty: this was the last. Default `next`. */
  readonly next?: string;
}

/**
 * The answers of a list that comes in pages, one after another: `for await (const { items } of pages(orders.list, { limit: 50 }))`.
 * Each is asked for when the one before it was taken; leaving the loop asks for no more. Throws what a call throws, and
 * DATA_LOSS when a page names itself as the next one.
 */
export async function* pages<In extends object, Out>(
  list: (input: In, options?: CallOptions) => Promise<Out>,
  input: In,
  { cursor = "cursor", next = "next", ...options }: PageFields & CallOptions = {},
): AsyncGenerator<Out, void, undefined> {
  let asked = (input as Readonly<Record<string, unknown>>)[cursor];
  for (let from = input; ;) {
    const page = await list(from, options);
    yield page;
    const after = (page as Readonly<Record<string, unknown>> | null | undefined)?.[next];
    if (after === undefined || after === null || after === "") return;
    if (after === asked) {
      const reason = `the page that begins at ${JSON.stringify(after)} says that it is followed by itself`;
      throw systemError("DATA_LOSS", reason, { executed: "yes" });
    }
    asked = after;
    from = { ...input, [cursor]: after };
  }
}
