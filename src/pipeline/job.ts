import { channels } from "../base/diagnostics.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Caller, Sink, Source, UploadOptions } from "../protocol/protocol.ts";
import { tell, type Completion } from "../protocol/completion.ts";
import type { Target } from "./target.ts";

/** A request with at most one answer, as it is handed to whichever endpoint is to do it. */
export interface Job {
  readonly operation: Operation;
  /** What it begins with: the head where items follow, else the input. */
  readonly first: unknown;
  /** It can be handed to another endpoint after a failure: nothing of it is used up. */
  readonly repeatable: boolean;
  /** A second try may run beside the first. */
  readonly hedgeable: boolean;
  send(caller: Caller, attempt: Attempt): Promise<unknown>;
  /** As `send`, told to `completion`. Absent: by `send` alone. */
  ask?(caller: Caller, attempt: Attempt, completion: Completion): void;
  /** It goes on at the endpoint after its first answer. */
  goesOn?(target: Target): void;
}

export class CallJob implements Job {
  readonly operation: Operation;
  readonly repeatable = true;
  readonly hedgeable = true;
  readonly first: unknown;

  constructor(operation: Operation, input: unknown) {
    this.operation = operation;
    this.first = input;
  }

  send(caller: Caller, attempt: Attempt): Promise<unknown> {
    const { around } = attempt;
    if (around === undefined) return caller.call(this.operation, this.first, attempt);
    return around(attempt, caller.endpoint, this.first, undefined, (input, own) =>
      caller.call(this.operation, input, own),
    );
  }

  /**
   * By the caller's `ask`, where it has one: a promise less for each call. But then the completion comes in the asynchronous context of
   * whoever reads the connection; where somebody hears of failed tries, or is around each, it comes in that of the call.
   */
  ask(caller: Caller, attempt: Attempt, completion: Completion): void {
    const { operation, first } = this;
    const direct = attempt.around === undefined && !channels.attempt.hasSubscribers;
    if (direct && caller.ask !== undefined) caller.ask(operation, first, attempt, completion);
    else tell(completion, this.send(caller, attempt));
  }
}

export class NotifyJob implements Job {
  readonly operation: Operation;
  readonly repeatable = true;
  readonly hedgeable = false;
  readonly first: unknown;

  constructor(operation: Operation, input: unknown) {
    this.operation = operation;
    this.first = input;
  }

  send(caller: Caller, attempt: Attempt): Promise<unknown> {
    const { around } = attempt;
    if (around === undefined) return caller.notify(this.operation, this.first, attempt);
    return around(attempt, caller.endpoint, this.first, undefined, (input, own) =>
      caller.notify(this.operation, input, own),
    );
  }
}

/** Items can be read once: once the first one was asked for, there is no second try. */
export class OnceSource {
  begun = false;
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  readonly run: Source = (sink: Sink): Promise<void> => {
    this.begun = true;
    return this.#source(sink);
  };
}

export class UploadJob implements Job {
  readonly operation: Operation;
  readonly hedgeable = false;
  readonly first: unknown;
  readonly #source: OnceSource;
  readonly #options: UploadOptions;

  constructor(operation: Operation, head: unknown, source: Source, options: UploadOptions) {
    this.operation = operation;
    this.first = head;
    this.#source = new OnceSource(source);
    this.#options = options;
  }

  get repeatable(): boolean {
    return !this.#source.begun;
  }

  send(caller: Caller, attempt: Attempt): Promise<unknown> {
    return caller.upload(this.operation, this.first, this.#source.run, attempt, this.#options);
  }
}
