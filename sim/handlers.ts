import type { Context, Handlers } from "trunkline";
import { finish, type WorkContext } from "./arrival.ts";
import type { Flow, Hop, Job, Work } from "./contract.ts";
import { TransferHandlers } from "./transfer-handlers.ts";
import { wait } from "./wait.ts";

/** What no schema here takes. */
const invalid = 7 as never;

/** Handlers of one life of a node that serves: they do what their input says, and note what they do. */
export class WorkHandlers extends TransferHandlers implements Handlers<typeof Work> {
  readonly #busyLanes = new Set<string>();
  readonly #lastTurns = new Map<string, number>();

  async perform(
    job: Job,
    context: WorkContext,
  ): Promise<{ id: string; mark: string; pad: string }> {
    const { ledger } = this.stage;
    const { env } = this.life;
    this.arrival.atOnce(job, context);
    this.stage.checkKey(job.id, context.idempotencyKey);
    this.stage.checkTrace(job.id, context.trace.traceId);
    this.life.meet(context.peer);
    if (job.end === "refuse") throw this.arrival.refusal(job.id, context);
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
    context: Context,
  ): Promise<{ id: string }> {
    const { ledger } = this.stage;
    const { id, lane, turn, ms } = input;
    const { env } = this.life;
    this.arrival.call(input, context);
    this.stage.checkWanted(id);
    if (this.#busyLanes.has(lane)) ledger.complain(`two calls of ${lane} run at once`);
    const last = this.#lastTurns.get(lane) ?? -1;
    // Order is kept among the calls of one connection.
    if (turn <= last && this.stage.oneConnection)
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
    const { ledger } = this.stage;
    const { env } = this.life;
    const { id, count, everyMs, bytes } = order;
    const entry = ledger.entries.get(id);
    this.arrival.lasting(order, context);
    if (order.end === "refuse") throw this.arrival.refusal(id, context);
    const run = ledger.run(id, env);
    const signal = order.heeds ? context.signal : undefined;
    const pad = "x".repeat(bytes);
    try {
      for (let n = 0; n < count; n++) {
        if (everyMs > 0) await wait(env, everyMs, signal);
        if (entry !== undefined) this.stage.produced(entry, bytes);
        yield { n, mark: `${n}`, pad };
      }
      if (order.end === "invalid") yield { n: count, mark: invalid, pad };
      await finish(order, context);
    } finally {
      ledger.ended(id, run);
    }
  }

  async note(input: { id: string; mark: string; ms: number }, context: Context): Promise<void> {
    const { env } = this.life;
    this.arrival.atOnce(input, context);
    const run = this.stage.ledger.run(input.id, env);
    await wait(env, input.ms, undefined);
    this.stage.ledger.ended(input.id, run);
  }

  /** Calls on, or back, when the job says so. */
  async #hop(job: Job, context: WorkContext): Promise<void> {
    const { ledger, world } = this.stage;
    const { env } = this.life;
    const [next, ...hops] = job.hops;
    if (next === undefined) return;
    const asking = {
      deadlineMs: next.deadlineMs,
      parent: ledger.entries.get(job.id),
      dueAt: world.now + context.deadline.remaining(env.now()),
      trace: context.trace.traceId,
    };
    const way = next.back
      ? this.stage.wayBack(context.peer, env)
      : { by: this.life.peer(next.server), env, server: next.server };
    try {
      if (next.member === "perform") {
        await this.stage.perform(way, { ...jobOf(next), hops }, asking);
      } else {
        const drawn = this.life.draws.transfer(next.id, next.member);
        await this.life.transfers.send(way, drawn, asking);
      }
    } catch (error) {
      if (!next.forgives) throw error;
    }
  }
}

function jobOf({ id, ms, end, heeds }: Hop): Omit<Job, "hops"> {
  return { id, mark: id, ms, end, heeds, pad: "" };
}
