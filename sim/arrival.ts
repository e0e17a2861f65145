import type { Context, HandlerContext } from "trunkline";
import type { Work } from "./contract.ts";
import type { Life } from "./life.ts";
import { secret } from "./secret.ts";
import type { Stage } from "./stage.ts";
import { waitForEver } from "./wait.ts";

export type WorkContext = HandlerContext<{
  SOLD_OUT: (typeof Work)["perform"]["errors"]["SOLD_OUT"];
}>;

/** What must be true when a handler begins, in one life of a node. */
export class Arrival {
  readonly #stage: Stage;
  readonly #life: Life;

  constructor(stage: Stage, life: Life) {
    this.#stage = stage;
    this.#life = life;
  }

  /** Of a handler that begins at once with its request. */
  atOnce(input: { readonly id: string; readonly mark: string }, context: Context): void {
    const { ledger, world } = this.#stage;
    const { env, stoppingAt, door } = this.#life;
    this.call(input, context);
    // Who had to wait for leave has come earlier.
    if (stoppingAt < world.now && door === undefined)
      ledger.complain(`${env.name} begins ${input.id} although it is stopping`);
    this.#stage.checkInFlight(this.#life);
  }

  /** Of a call, or a notification. */
  call(input: { readonly id: string; readonly mark: string }, context: Context): void {
    const { ledger } = this.#stage;
    const { id } = input;
    this.any(input, context);
    const entry = ledger.entries.get(id);
    const left = context.deadline.at - this.#life.env.now();
    if (left <= 0) ledger.complain(`${id} runs after its deadline`);
    if (entry !== undefined && left > entry.dueAt - entry.startedAt + 1)
      ledger.complain(`${id} is given ${left} ms, which is more than its caller gave`);
  }

  /** Of what lasts as long as its items come. */
  lasting(input: { readonly id: string; readonly mark: string }, context: Context): void {
    const { ledger } = this.#stage;
    this.any(input, context);
    if (context.deadline.at - this.#life.env.now() > this.#stage.totalOf(input.id) + 1)
      ledger.complain(`${input.id} may go on for longer than its caller said`);
  }

  /** Of whatever runs. */
  any({ id, mark }: { readonly id: string; readonly mark: string }, context: Context): void {
    const { ledger, plan } = this.#stage;
    if (this.#life.door?.letIn(context.trace.spanId) === false)
      ledger.complain(`${id} runs although it was not let in`);
    if (mark !== `${id}+`) ledger.complain(`the input of ${id} was read as ${mark}`);
    if (context.headers["x-id"] !== id) ledger.complain(`${id} came without its header`);
    if (plan.habits.has("interceptors") && context.headers["x-way"] !== "through")
      ledger.complain(`${id} came without the header of the interceptor`);
  }

  /** What a handler throws that begins nothing. */
  refusal(id: string, context: Context): Error {
    const entry = this.#stage.ledger.entries.get(id);
    if (entry !== undefined) entry.refusals++;
    return context.refuse("RESOURCE_EXHAUSTED", "not in the mood");
  }
}

/** Ends a handler as its input says. */
export async function finish(
  { id, end }: { readonly id: string; readonly end: string },
  context: WorkContext,
): Promise<void> {
  if (end === "declared") throw context.errors.SOLD_OUT({ id, mark: id });
  if (end === "throw") throw new Error(secret);
  if (end === "wait") await waitForEver(context.signal);
}
