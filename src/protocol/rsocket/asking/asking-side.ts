import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Env } from "../../../base/env.ts";
import type { Format } from "../../../codec/format.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type { Caller, CallerState, Source, StreamOptions, UploadOptions } from "../../protocol.ts";
import { PromisedCompletion, type Completion } from "../../completion.ts";
import { ItemDuplex } from "./item-duplex.ts";
import { ItemStream } from "./item-stream.ts";
import { PendingCall } from "./pending-call.ts";
import { PendingNotification } from "./pending-notification.ts";
import { PendingUpload } from "./pending-upload.ts";
import type { Request, RequestHome } from "./request.ts";

/** The asking half of the protocol: makes the requests. Which connection takes them is for those who extend it. */
export abstract class AskingSide implements Caller, RequestHome {
  readonly env: Env;
  /** The largest input or item that is sent. */
  protected readonly itemBytesMax: number;

  constructor(env: Env, itemBytesMax: number) {
    this.env = env;
    this.itemBytesMax = itemBytesMax;
  }

  abstract readonly endpoint: string;
  abstract readonly state: CallerState;
  abstract readonly waiting: number;
  abstract readonly format: Format | undefined;
  abstract close(withinMs?: number): Promise<void>;
  abstract expired(request: Request): void;
  abstract left(request: Request): void;
  abstract elsewhere(request: Request): boolean;
  /** Sends the request, or keeps it until there is a connection. Throws, with `executed: "no"`, what it refuses. */
  protected abstract send(request: Request, now: number): void;

  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    const completion = new PromisedCompletion();
    this.ask(operation, input, attempt, completion);
    return completion.promise;
  }

  ask(operation: Operation, input: unknown, attempt: Attempt, completion: Completion): void {
    try {
      const call = new PendingCall(this, operation, attempt, input, this.itemBytesMax, completion);
      this.begin(call, call.startedAt);
    } catch (refusal) {
      completion.failed(refusal);
    }
  }

  notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    try {
      const notification = new PendingNotification(
        this,
        operation,
        attempt,
        input,
        this.itemBytesMax,
      );
      this.begin(notification, notification.startedAt);
      return notification.promise;
    } catch (error) {
      const refusal = error as TrunklineError;
      return Promise.reject(refusal);
    }
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const stream = new ItemStream(this, operation, attempt, input, this.itemBytesMax, options);
    this.begin(stream, stream.startedAt);
    return stream;
  }

  upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const { itemBytesMax } = this;
    const completion = new PromisedCompletion();
    try {
      const upload = new PendingUpload(
        this,
        operation,
        attempt,
        head,
        itemBytesMax,
        source,
        options,
        completion,
      );
      this.begin(upload, upload.startedAt);
    } catch (refusal) {
      completion.failed(refusal);
    }
    return completion.promise;
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const { itemBytesMax } = this;
    const duplex = new ItemDuplex(this, operation, attempt, head, itemBytesMax, source, options);
    this.begin(duplex, duplex.startedAt);
    return duplex;
  }

  resume(request: Request): void {
    if (request.over) return;
    try {
      this.begin(request, this.env.now());
    } catch (error) {
      request.fail(error as TrunklineError);
    }
  }

  protected begin(request: Request, now: number): void {
    const { attempt } = request;
    if (attempt.cancelled !== undefined) {
      attempt.bind(request); // it never leaves: settles it as cancelled, `no`
      return;
    }
    if (now >= attempt.deadlineAt) {
      throw systemError("DEADLINE_EXCEEDED", "the deadline was over before the request was sent", {
        executed: "no",
      });
    }
    this.send(request, now);
    if (!request.over) attempt.bind(request);
  }

  /** From now on the deadline is what the request waits for. */
  protected watch(request: Request): void {
    const { deadlineAt, totalAt } = request.attempt;
    if (!request.over) this.env.set(request, Math.min(deadlineAt, totalAt));
  }
}

/** What is told of a request on a client that takes no more. */
export function clientClosed(): TrunklineError {
  return systemError("CANCELLED", "the client is closed", {
    executed: "no",
    advice: "make a new client",
  });
}
