import { start, type Child } from "../child.ts";
import type { LoadAnswer } from "./meter.ts";
import type { LoadQuestion } from "./raw-load.ts";

/** What the process of a client answers. */
export type LoadTold = LoadAnswer | { readonly failed: string };

/** A client in a process of its own, at the service of one load after the other. */
export class LoadClient {
  readonly #child: Child<LoadQuestion, LoadTold>;

  static async start(client: string): Promise<LoadClient> {
    return new LoadClient(await start("broker/load.ts", [client]));
  }

  private constructor(child: Child<LoadQuestion, LoadTold>) {
    this.#child = child;
  }

  /** @throws Error saying what failed. */
  async load(question: LoadQuestion): Promise<LoadAnswer> {
    const told = await this.#child.ask(question);
    if ("failed" in told) throw new Error(told.failed);
    return told;
  }

  end(): Promise<void> {
    return this.#child.end();
  }
}
