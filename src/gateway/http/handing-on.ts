import type { IncomingHttpHeaders } from "node:http";
import { Transform, type Readable } from "node:stream";
import type { Dispatcher } from "undici";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { answerFailure, type PlainResponse } from "./http-answer.ts";
import { endToEnd } from "./hop-headers.ts";
import type { HttpTarget } from "./http-target.ts";

/** What is handed on. */
export interface HandedOn {
  readonly method: string;
  /** With its query, as the target is to see it without its base. */
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  /** Undefined: there is none. */
  readonly body: Readable | undefined;
  readonly bodyBytesMax: number;
  /** The sender waits to be told that the body may come. */
  readonly expects: boolean;
  /** Until the answer begins, in milliseconds from now. */
  readonly deadlineMs: number;
  /** What becomes of the headers of the answer. */
  readonly rule: (headers: Record<string, string | string[]>) => void;
  /** It may be sent twice. */
  readonly repeatable: boolean;
}

/** How long a body may pause, each way, in milliseconds: a reader that takes no more than this is no reader. */
const pauseMsMax = 60_000;

/** When to ask again where all have enough to do, in milliseconds. */
const fullMs = 1_000;

/** Attempts of one request. */
const attemptsMax = 3;

/**
 * One request on its way to a target, and its answer on the way back: bodies flow through, each side as fast as the other takes
 * them, and nothing is kept. What certainly was not sent, and what may be sent twice, is tried at another target until an answer begins.
 */
export class HandingOn implements Dispatcher.DispatchHandler {
  readonly #request: HandedOn;
  readonly #response: PlainResponse;
  readonly #pick: (tried: readonly HttpTarget[]) => HttpTarget | undefined;
  readonly #env: Env;
  readonly #ended: () => void;
  readonly #alarm: Alarm;
  readonly #tried: HttpTarget[] = [];
  #target: HttpTarget | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  /** The attempt that runs was begun to be written. */
  #sent = false;
  #answered = false;
  #over = false;
  /** Why we stopped it ourselves. */
  #stopped: TrunklineError | undefined;

  constructor(
    request: HandedOn,
    response: PlainResponse,
    pick: (tried: readonly HttpTarget[]) => HttpTarget | undefined,
    env: Env,
    ended: () => void,
  ) {
    this.#request = request;
    this.#response = response;
    this.#pick = pick;
    this.#env = env;
    this.#ended = ended;
    this.#alarm = alarmAt(env, env.now() + request.deadlineMs, () => this.#late());
    response.on("drain", () => this.#controller?.resume());
    response.on("close", () => this.#gone());
  }

  begin(): void {
    if (this.#request.expects) this.#response.writeContinue();
    this.#try(this.#body());
  }

  #try(body: Readable | undefined): void {
    const target = this.#pick(this.#tried);
    if (target === undefined) {
      const reason = "every target has as much to do as it may";
      const details = { executed: "no", gate: "bulkhead", retryAfterMs: fullMs } as const;
      return this.#fail(systemError("RESOURCE_EXHAUSTED", reason, details), 503);
    }
    this.#tried.push(target);
    this.#target = target;
    this.#controller = undefined;
    this.#sent = false;
    target.inFlight++;
    const { method, path, headers } = this.#request;
    try {
      target.pool.dispatch(
        {
          method,
          path: target.base + path,
          headers,
          body: body ?? null,
          headersTimeout: 0, // ours is the same for all attempts together
          bodyTimeout: pauseMsMax,
        },
        this,
      );
    } catch (error) {
      this.#lost(error as Error);
    }
  }

  /** What has no length is counted as it flows. */
  #body(): Readable | undefined {
    const { body, bodyBytesMax, headers } = this.#request;
    if (body === undefined || bodyBytesMax === Infinity || headers["content-length"] !== undefined)
      return body;
    let left = bodyBytesMax;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        left -= chunk.length;
        if (left >= 0) return done(null, chunk);
        this.#stop(tooLarge(bodyBytesMax, "maybe"));
        return done(null);
      },
    });
    body.on("error", (error) => counted.destroy(error));
    return body.pipe(counted);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#stopped !== undefined) controller.abort(this.#stopped);
    else this.#sent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return; // what is said in between is said for one connection
    this.#controller = controller;
    this.#env.clear(this.#alarm);
    this.#answered = true;
    this.#target!.succeeded();
    if (this.#response.destroyed) return;
    const kept = endToEnd(headers);
    this.#request.rule(kept);
    try {
      this.#response.writeHead(status, kept);
    } catch (cause) {
      const reason = "the answer has headers that cannot be handed on";
      this.#stop(systemError("INTERNAL", reason, { executed: "maybe", cause }));
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#left();
    this.#response.end();
    this.#end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#lost(error);
  }

  #lost(error: Error): void {
    const target = this.#target!;
    this.#left();
    if (this.#over) return;
    if (this.#stopped !== undefined) return this.#fail(this.#stopped, statusOf(this.#stopped));
    if (this.#answered) return this.#fail(lost(target, error, "maybe"), 502);
    const { body, repeatable } = this.#request;
    // What nobody could write is its sender's fault: counted against the target, it would take that away from others.
    if (unsendable.has(codeOf(error)) && !this.#sent) return this.#fail(malformed(error), 400);
    target.failed();
    const untouched = body === undefined || (!this.#sent && !body.readableDidRead);
    const safe = !this.#sent || repeatable;
    if (
      safe &&
      untouched &&
      this.#tried.length < attemptsMax &&
      this.#pick(this.#tried) !== undefined
    )
      return this.#try(body === undefined ? undefined : this.#body());
    const executed = this.#sent ? "maybe" : "no";
    this.#fail(lost(target, error, executed), this.#sent ? 502 : 503);
  }

  #late(): void {
    const { deadlineMs } = this.#request;
    if (!this.#halfSent) this.#target?.failed();
    const reason = `no answer began within ${deadlineMs} ms`;
    this.#stop(systemError("DEADLINE_EXCEEDED", reason, { executed: this.#sent ? "maybe" : "no" }));
  }

  /** The sender has not sent all of it yet. */
  get #halfSent(): boolean {
    const { body } = this.#request;
    return body !== undefined && !body.readableEnded;
  }

  /** The sender is gone: nobody wants the answer. */
  #gone(): void {
    if (this.#over) return;
    this.#stop(systemError("CANCELLED", "the caller is gone", { executed: "maybe" }));
    this.#end();
  }

  #stop(why: TrunklineError): void {
    if (this.#over || this.#stopped !== undefined) return;
    this.#stopped = why;
    if (this.#controller === undefined) this.#fail(why, statusOf(why));
    else this.#controller.abort(why);
  }

  #fail(error: TrunklineError, status: number): void {
    if (this.#over) return;
    answerFailure(this.#response, error, status);
    this.#request.body?.resume(); // what still comes of it is read away
    this.#end();
  }

  #left(): void {
    if (this.#target !== undefined) this.#target.inFlight--;
    this.#target = undefined;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#env.clear(this.#alarm);
    this.#ended();
  }
}

export function tooLarge(bodyBytesMax: number, executed: "no" | "maybe"): TrunklineError {
  const reason = `a body has at most ${bodyBytesMax} bytes here`;
  return systemError("RESOURCE_EXHAUSTED", reason, { executed });
}

/** Undici refuses to write it. */
const unsendable: ReadonlySet<string> = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);

function malformed(cause: Error): TrunklineError {
  const reason = `the request cannot be handed on: ${cause.message}`;
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
}

function statusOf({ code }: TrunklineError): number {
  if (code === "RESOURCE_EXHAUSTED") return 413;
  if (code === "DEADLINE_EXCEEDED") return 504;
  return code === "CANCELLED" ? 499 : 502;
}

function lost({ id }: HttpTarget, cause: Error, executed: "no" | "maybe"): TrunklineError {
  const reason =
    executed === "no"
      ? "the target could not be reached"
      : "the target was lost before its answer was whole";
  return systemError("UNAVAILABLE", `${reason} (${codeOf(cause)})`, {
    executed,
    cause,
    endpoint: id,
  });
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
