import type { HandlerContext, Handlers } from "trunkline";
import type { Flow, Hop, Job, Work } from "./contract.ts";
import type { Life } from "./life.ts";
import { secret } from "./secret.ts";
import type { Stage } from "./stage.ts";
import { wait, waitForEver } from "./wait.ts";

/** What no schema here takes. */
const invalid = 7 as never;

type WorkContext = HandlerContext<{ SOLD_OUT: (typeof Work)["perform"]["errors"]["SOLD_OUT"] }>;
type PlainContext = Omit<WorkContext, "errors">;

/** Handlers of one life of a server: they do what their input says, and note what they do. */
export class WorkHandlers implements Handlers<typeof Work> {
  readonly #stage: Stage;
  readonly #life: Life;
  readonly #busyLanes = new Set<string>();
  readonly #lastTurns = new Map<string, number>();

  constructor(stage: Stage, life: Life) {
    this.#stage = stage;
    this.#life = life;
  }

  async perform(
    job: Job,
    context: WorkContext,
  ): Promise<{ id: string; mark: string; pad: string }> {
    const { ledger } = this.#stage;
    const { env } = this.#life;
    this.#arrived(job, context);
    this.#stage.checkKey(job.id, context.idempotencyKey);
    this.#stage.checkTrace(job.id, context.trace.traceId);
    if (job.end === "refuse") throw this.#refusal(job.id, context);
    const run = ledger.run(job.id, env);
    try {
      await wait(env, job.ms, job.heeds ? context.signal : undefined);
      await this.#hop(job, context);
      await finish(job, context);
      return { id: job.id, mark: job.end === "invalid" ? invalid : job.id, pad: job.pad };
    } finally {
      ledger.ended(job.id, run);
    }
  }

  async inTurn(
    input: { id: string; mark: string; lane: string; turn: number; ms: number },
    context: PlainContext,
  ): Promise<{ id: string }> {
    const { ledger } = this.#stage;
    this.#expected(input, context);
    this.#stage.checkWanted(input.id);
    const { id, lane, turn, ms } = input;
    const { env } = this.#life;
    if (this.#busyLanes.has(lane)) ledger.complain(`two calls of ${lane} run at once`);
    const last = this.#lastTurns.get(lane) ?? -1;
    // Order is kept among the calls of one connection.
    if (turn <= last && this.#stage.oneConnection)
      ledger.complain(`in ${lane} number ${turn} runs after ${last}`);
    this.#lastTurns.set(lane, turn);
    this.#busyLanes.add(lane);
    const run = ledger.run(id, env);
    await wait(env, ms, undefined);
    ledger.ended(id, run);
    this.#busyLanes.delete(lane);
    return { id };
  }

  async *flow(
    order: Flow,
    context: WorkContext,
  ): AsyncGenerator<{ n: number; mark: string; pad: string }> {
    const { ledger } = this.#stage;
    const { env } = this.#life;
    const { id, count, everyMs, bytes } = order;
    const entry = ledger.entries.get(id);
    this.#letIn(id, context);
    if (order.mark !== `${id}+`) ledger.complain(`the input of ${id} was read as ${order.mark}`);
    if (context.deadline.at - env.now() > this.#stage.totalOf(id) + 1)
      ledger.complain(`${id} may go on for longer than its caller said`);
    if (order.end === "refuse") throw this.#refusal(id, context);
    const run = ledger.run(id, env);
    const signal = order.heeds ? context.signal : undefined;
    const pad = "x".repeat(bytes);
    try {
      for (let n = 0; n < count; n++) {
        if (everyMs > 0) await wait(env, everyMs, signal);
        if (entry !== undefined) this.#stage.produced(entry, bytes);
        yield { n, mark: `${n}`, pad };
      }
      if (order.end === "invalid") yield { n: count, mark: invalid, pad };
      await finish(order, context);
    } finally {
      ledger.ended(id, run);
    }
  }

  async note(
    input: { id: string; mark: string; ms: number },
    context: PlainContext,
  ): Promise<void> {
    const { env } = this.#life;
    this.#arrived(input, context);
    const run = this.#stage.ledger.run(input.id, env);
    await wait(env, input.ms, undefined);
    this.#stage.ledger.ended(input.id, run);
  }

  /** What must be true when a handler begins at once with its request. */
  #arrived(input: { readonly id: string; readonly mark: string }, context: PlainContext): void {
    const { ledger, world } = this.#stage;
    const { env, stoppingAt, door } = this.#life;
    this.#expected(input, context);
    // Who had to wait for leave has come earlier.
    if (stoppingAt < world.now && door === undefined)
      ledger.complain(`${env.name} begins ${input.id} although it is stopping`);
    this.#stage.checkInFlight(env);
  }

  /** What must be true when a handler begins. */
  #expected(
    { id, mark }: { readonly id: string; readonly mark: string },
    context: PlainContext,
  ): void {
    const { ledger, plan } = this.#stage;
    const { env } = this.#life;
    this.#letIn(id, context);
    if (mark !== `${id}+`) ledger.complain(`the input of ${id} was read as ${mark}`);
    if (context.headers["x-id"] !== id) ledger.complain(`${id} came without its header`);
    if (plan.habits.has("interceptors") && context.headers["x-way"] !== "through")
      ledger.complain(`${id} came without the header of the interceptor`);
    const entry = ledger.entries.get(id);
    const left = context.deadline.at - env.now();
    if (left <= 0) ledger.complain(`${id} runs after its deadline`);
    if (entry !== undefined && left > entry.dueAt - entry.startedAt + 1)
      ledger.complain(`${id} is given ${left} ms, which is more than its caller gave`);
  }

  #letIn(id: string, { trace }: PlainContext): void {
    if (this.#life.door?.letIn(trace.spanId) === false)
      this.#stage.ledger.complain(`${id} runs although it was not let in`);
  }

  #refusal(id: string, context: WorkContext): Error {
    const entry = this.#stage.ledger.entries.get(id);
    if (entry !== undefined) entry.refusals++;
    return context.refuse("RESOURCE_EXHAUSTED", "not in the mood");
  }

  /** Calls on, when the job says so. */
  async #hop(job: Job, context: WorkContext): Promise<void> {
    const { ledger, world } = this.#stage;
    const { env, peers } = this.#life;
    const [next, ...hops] = job.hops;
    if (next === undefined) return;
    const asking = {
      deadlineMs: next.deadlineMs,
      parent: ledger.entries.get(job.id),
      dueAt: world.now + context.deadline.remaining(env.now()),
      trace: context.trace.traceId,
    };
    const child = { ...jobOf(next), hops };
    try {
      await this.#stage.perform(peers[next.server]!, env, next.server, child, asking);
    } catch (error) {
      if (!next.forgives) throw error;
    }
  }
}

async function finish(
  { id, end }: { readonly id: string; readonly end: string },
  context: WorkContext,
): Promise<void> {
  if (end === "declared") throw context.errors.SOLD_OUT({ id, mark: id });
  if (end === "throw") throw new Error(secret);
  if (end === "wait") await waitForEver(context.signal);
}

function jobOf({ id, ms, end, heeds }: Hop): Omit<Job, "hops"> {
  return { id, mark: id, ms, end, heeds, pad: "" };
}
