import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import { jsonFormat } from "../../../codec/json-format.ts";
import type { Format } from "../../../codec/format.ts";
import type { Address } from "../../../transport/address.ts";
import type { Sockets } from "../../../transport/transport.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type {
  Caller,
  CallerState,
  ConnectOptions,
  Source,
  StreamOptions,
  UploadOptions,
} from "../../protocol.ts";
import type { RestOptions } from "../options.ts";
import type { Ask } from "./ask.ts";
import { AskTable } from "./ask-table.ts";
import { callerBounds, type CallerBounds } from "./bounds.ts";
import { Connections } from "./connections.ts";
import { late, type Exchange, type ExchangeHome } from "./exchange.ts";
import { ItemStream } from "./item-stream.ts";
import { PendingCall } from "./pending-call.ts";
import { PendingNotification } from "./pending-notification.ts";
import { PendingUpload } from "./pending-upload.ts";
import { Turns } from "./turns.ts";

/** Calls one endpoint over HTTP: makes the requests, and keeps them until there is a connection for each. */
export class RestCaller implements Caller, ExchangeHome {
  readonly endpoint: string;
  readonly env: Env;
  bootId: string | undefined = undefined;
  readonly #bounds: CallerBounds;
  readonly #connections: Connections;
  readonly #table: AskTable;
  readonly #turns = new Turns();
  /** All requests that are not over. */
  readonly #outstanding = new Set<Exchange>();
  #format: Format;
  #settled: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    sockets: Sockets,
    address: Address,
    options: ConnectOptions,
    rest: RestOptions,
    env: Env,
  ) {
    const bounds = callerBounds(options, rest);
    this.endpoint = address.text;
    this.env = env;
    this.#bounds = bounds;
    this.#format = options.format ?? jsonFormat;
    this.#table = new AskTable(rest, bounds.itemBytesMax);
    const { http2 = "tls" } = rest;
    this.#connections = new Connections(
      sockets,
      address,
      { origin: originOf(address), http2, bounds },
      env,
    );
  }

  get state(): CallerState {
    return this.#closed === undefined ? this.#connections.state : "closed";
  }

  get waiting(): number {
    return this.#connections.waiting;
  }

  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    return this.#promised(() => new PendingCall(this, this.#ask(operation), attempt, input));
  }

  notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    return this.#promised(
      () => new PendingNotification(this, this.#ask(operation), attempt, input),
    );
  }

  upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    return this.#promised(
      () => new PendingUpload(this, this.#ask(operation), attempt, head, source, options),
    );
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const stream = new ItemStream(this, this.#ask(operation), attempt, input, options);
    this.#begin(stream);
    return stream;
  }

  duplex(operation: Operation): AsyncIterableIterator<unknown> {
    const reason = `${operation.name} is a duplex, which REST cannot carry`;
    throw systemError("UNIMPLEMENTED", reason, {
      executed: "no",
      advice: "call it over rsocket or gRPC",
    });
  }

  #promised<T>(make: () => Exchange & { readonly promise: Promise<T> }): Promise<T> {
    try {
      const exchange = make();
      this.#begin(exchange);
      return exchange.promise;
    } catch (error) {
      const refusal = error as TrunklineError;
      return Promise.reject(refusal);
    }
  }

  #ask(operation: Operation): Ask {
    return this.#table.of(operation, this.#format);
  }

  #begin(exchange: Exchange): void {
    if (this.#closed !== undefined) throw clientClosed();
    const { attempt } = exchange;
    if (attempt.cancelled !== undefined) {
      attempt.bind(exchange); // it never leaves: settles it as cancelled, `no`
      return;
    }
    if (exchange.startedAt >= Math.min(attempt.deadlineAt, attempt.totalAt))
      throw late("the deadline was over before the request was sent", "no");
    const { outstandingMax } = this.#bounds;
    if (this.#outstanding.size >= outstandingMax) {
      const reason = `${outstandingMax} requests are under way already`;
      throw systemError("RESOURCE_EXHAUSTED", reason, { executed: "no" });
    }
    this.#outstanding.add(exchange);
    this.#go(exchange);
    if (!exchange.over) attempt.bind(exchange);
  }

  #go(exchange: Exchange): void {
    if (exchange.operation.ordered && !this.#turns.mayGo(exchange)) {
      const { deadlineAt, totalAt } = exchange.attempt;
      this.env.set(exchange, Math.min(deadlineAt, totalAt));
      return;
    }
    this.#connections.submit(exchange);
  }

  // ---- ExchangeHome -------------------------------------------------------------------------------------------------

  again(exchange: Exchange): boolean {
    const { waitUntil } = exchange;
    if (this.#closed !== undefined || exchange.over) return false;
    if (waitUntil !== undefined && this.env.now() >= waitUntil) return false;
    this.#connections.submit(exchange);
    return true;
  }

  expired(exchange: Exchange): void {
    this.#connections.expired(exchange);
  }

  left(exchange: Exchange): void {
    this.#outstanding.delete(exchange);
    this.#connections.forget(exchange);
    if (exchange.operation.ordered) {
      const next = this.#turns.next(exchange);
      if (next !== undefined) this.#go(next);
    }
    if (this.#outstanding.size === 0) this.#settled?.();
  }

  inJson({ operation }: Ask): Ask {
    this.#format = jsonFormat;
    return this.#ask(operation);
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  close(withinMs: number = 0): Promise<void> {
    this.#closed ??= this.#close(withinMs);
    return this.#closed;
  }

  async #close(withinMs: number): Promise<void> {
    if (withinMs > 0 && this.#outstanding.size > 0) {
      const settled = new Promise<void>((resolve) => (this.#settled = resolve));
      const budget = alarmAt(this.env, this.env.now() + withinMs, () => this.#cutAll());
      await settled;
      this.env.clear(budget);
    }
    this.#cutAll();
    await this.#connections.close();
  }

  #cutAll(): void {
    for (const exchange of [...this.#outstanding]) exchange.cancel("shutdown");
  }
}

function clientClosed(): TrunklineError {
  return systemError("CANCELLED", "the client is closed", {
    executed: "no",
    advice: "make a new client",
  });
}

/** What stands in `Host`, and as the origin of all requests; a file has no name there. */
function originOf({ transport, place }: Address): string {
  if (transport === "unix") return "http://localhost";
  return `${transport === "tls" ? "https" : "http"}://${place}`;
}
