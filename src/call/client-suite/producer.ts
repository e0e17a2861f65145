import type { Context } from "../../base/handler.ts";
import { contract, stream, type Contract, type StreamOperation } from "../../contract/index.ts";
import { number, text } from "./schemas.ts";
import { aborted, type Stage } from "./stage.ts";

export const Feed: Contract<
  "feed",
  { read: StreamOperation<typeof text, typeof number, { readonly GONE: typeof number }> }
> = contract(
  "feed",
  { version: "1.0.0" },
  { read: stream({ in: text, out: number, errors: { GONE: number } }) },
);

export /** A producer that counts what it gives, and how it ends. */
class Producer {
  given = 0;
  readonly ends: string[] = [];
  readonly contexts: Context[] = [];

  async *read(input: string, context: Context): AsyncGenerator<number> {
    this.contexts.push(context);
    try {
      if (input === "silent") await aborted(context.signal);
      for (;;) yield this.given++;
    } catch (error) {
      this.ends.push("thrown");
      throw error;
    } finally {
      this.ends.push("ended");
    }
  }

  async ended(stage: Stage): Promise<void> {
    await stage.until(() => this.ends.includes("ended"), "the producer has ended");
  }
}
