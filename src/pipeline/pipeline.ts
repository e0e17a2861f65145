import type { Env } from "../base/env.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type {
  Caller,
  CallerState,
  ConnectionWay,
  Source,
  StreamOptions,
  UploadOptions,
} from "../protocol/protocol.ts";
import { Attempts } from "./attempts.ts";
import { CallJob, NotifyJob, OnceSource, UploadJob, type Job } from "./job.ts";
import { ServiceState } from "./service-state.ts";
import type { TargetSet } from "./target-set.ts";
import type { PipelineTerms } from "./terms.ts";
import { TriedStream, type Opening } from "./tried-stream.ts";

/**
 * The call pipeline, itself a caller: admission, attempts (retry, hedge, failover), choice of an endpoint, the endpoint's gates,
 * and its caller. What is outside of it (validation, deadline, trace) belongs to the call, what is inside to the protocol.
 */
export class Pipeline implements Caller {
  readonly endpoint: string;
  readonly targets: TargetSet;
  readonly service: ServiceState;
  readonly #terms: PipelineTerms;
  readonly #attempts: Attempts;
  #closed = false;

  constructor(
    endpoint: string,
    targets: TargetSet,
    terms: PipelineTerms,
    lane: string | undefined,
    env: Env,
  ) {
    this.endpoint = endpoint;
    this.targets = targets;
    this.#terms = terms;
    this.service = new ServiceState(terms, lane, env.now(), env.random);
    this.#attempts = new Attempts(targets, this.service, env);
  }

  /** The best of its endpoints. */
  get state(): CallerState {
    if (this.#closed) return "closed";
    const states = this.targets.all.map(({ caller }) => caller.state);
    return order.find((state) => states.includes(state)) ?? "idle";
  }

  get waiting(): number {
    return this.targets.all.reduce((sum, { caller }) => sum + caller.waiting, 0);
  }

  /** Of the one endpoint that there is. */
  get way(): ConnectionWay | undefined {
    const { all } = this.targets;
    return all.length === 1 ? all[0]!.caller.way : undefined;
  }

  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    const terms = this.#terms.of(operation);
    if (terms.answers === undefined)
      return this.#attempts.run(new CallJob(operation, input), attempt, terms);
    return terms.answers.answer(input, attempt, (own) =>
      this.#attempts.run(new CallJob(operation, input), own, terms),
    );
  }

  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    await this.#attempts.run(new NotifyJob(operation, input), attempt, this.#terms.of(operation));
  }

  upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const job = new UploadJob(operation, head, source, options);
    return this.#attempts.run(job, attempt, this.#terms.of(operation));
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const open: Opening["open"] = (caller, each, terms, given) =>
      caller.stream(operation, given, each, terms);
    return this.#tried(
      { operation, first: input, input, open, repeatable: () => true },
      attempt,
      options,
    );
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const once = new OnceSource(source);
    const open: Opening["open"] = (caller, each, terms) =>
      caller.duplex(operation, head, once.run, each, terms);
    const repeatable = () => !once.begun;
    const opening = { operation, first: head, input: undefined, open, repeatable };
    return this.#tried(opening, attempt, options);
  }

  #tried(opening: Opening, attempt: Attempt, options: StreamOptions): TriedStream {
    const terms = this.#terms.of(opening.operation);
    const run = (job: Job) => this.#attempts.run(job, attempt, terms);
    return new TriedStream(opening, attempt, options, run);
  }

  async close(withinMs: number = 0): Promise<void> {
    this.#closed = true;
    await this.targets.close(withinMs);
  }
}

const order: readonly CallerState[] = ["ready", "connecting", "waiting", "idle"];
