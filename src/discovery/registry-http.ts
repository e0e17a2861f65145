import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type SystemError } from "../base/error.ts";
import type { Dispatcher } from "undici";
import type * as Undici from "undici";

/** The longest answer or line of a registry, in bytes: ten thousand instances of an ordinary size, and some. */
const answerBytesMax: number = 64 * 1_024 * 1_024;

/** How long a registry may take for an answer that needs no waiting, in milliseconds. */
export const answerMsDefault = 3_000;

/** Who we are and whom we trust, as PEM, for registries at `https://`. */
export interface RegistryTls {
  /** The authorities that we trust, instead of those that Node knows. */
  readonly ca?: string;
  /** Our certificate, where the registry asks for one, and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface RegistryHttpTerms {
  /** The name in errors: `etcd`. */
  readonly registry: string;
  /** Where it is reached: `http://127.0.0.1:2379`. When one does not answer, the next is asked. */
  readonly urls: readonly string[];
  /** A function is asked for each set of connections: files may have changed. */
  readonly tls: RegistryTls | (() => Promise<RegistryTls>) | undefined;
  readonly answerMs: number;
}

export interface Question {
  readonly method: "GET" | "POST" | "PUT";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Gives the question up. */
  readonly signal?: AbortSignal;
  /** Default: `answerMs` of the terms. */
  readonly withinMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** The errors that say that nothing has come for too long. */
const silences: WeakSet<Error> = new WeakSet();

/** Asks a registry over HTTP, by undici. Nothing waits for ever, and no answer is without a bound. */
export class RegistryHttp {
  readonly #terms: RegistryHttpTerms;
  readonly #open: Set<Watchdog> = new Set();
  #current = 0;
  #agent: Promise<Undici.Agent> | undefined;
  #closed = false;

  constructor(terms: RegistryHttpTerms) {
    this.#terms = terms;
    for (const url of terms.urls) checkUrl(url, terms.registry);
  }

  /** The whole answer, whatever its status. */
  ask(question: Question, env: Env): Promise<Answer> {
    const withinMs = question.withinMs ?? this.#terms.answerMs;
    return this.#asked(question, env, withinMs, async ({ body, statusCode, headers }) => {
      let text = "";
      for await (const part of piecesOf(body)) {
        text += part;
        if (text.length > answerBytesMax) throw this.#tooLong();
      }
      return { status: statusCode, headers, text };
    });
  }

  /**
   * The lines of an answer that goes on, each given to `hear` when it is complete. Resolves with `ended` when the answer ends, and
   * with `silent` when no byte has come for `withinMs`: whether the registry is still there, the next question tells. A status other
   * than 200 is given to `refuse`, with the text.
   */
  async follow(
    question: Question,
    env: Env,
    hear: (line: string) => void,
    refuse: (answer: Answer) => void,
  ): Promise<"ended" | "silent"> {
    const withinMs = question.withinMs ?? this.#terms.answerMs;
    try {
      await this.#asked(question, env, withinMs, async (answer, watchdog) => {
        const { body, statusCode, headers } = answer;
        let rest = "";
        for await (const part of piecesOf(body)) {
          watchdog.feed();
          rest += part;
          if (rest.length > answerBytesMax) throw this.#tooLong();
          if (statusCode !== 200) continue;
          const lines = rest.split("\n");
          rest = lines.pop()!;
          for (const line of lines) if (line !== "") hear(line);
        }
        if (statusCode !== 200) refuse({ status: statusCode, headers, text: rest });
        else if (rest !== "") hear(rest);
      });
      return "ended";
    } catch (error) {
      if (error instanceof Error && silences.has(error)) return "silent";
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const watchdog of [...this.#open]) watchdog.bite(this.#unavailable("it is closed"));
    await (await this.#agent?.catch(() => undefined))?.destroy();
  }

  async #asked<T>(
    question: Question,
    env: Env,
    withinMs: number,
    read: (answer: Dispatcher.ResponseData, watchdog: Watchdog) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw this.#unavailable("it is closed");
    const { urls } = this.#terms;
    for (let tries = 1; ; tries++) {
      const at = this.#current % urls.length;
      const url = urls[at]!;
      const silent = this.#unavailable(`${url} did not answer within ${withinMs} ms`);
      silences.add(silent);
      const watchdog = new Watchdog(env, withinMs, silent, question.signal);
      this.#open.add(watchdog);
      try {
        return await read(await this.#sent(question, url, watchdog.signal), watchdog);
      } catch (error) {
        const why: unknown = watchdog.signal.aborted ? watchdog.signal.reason : error;
        if (question.signal?.aborted === true) throw why;
        if (this.#current % urls.length === at) this.#current = at + 1;
        if (distrusted(why)) this.#forget();
        if (tries < urls.length && neverSent(why)) continue;
        if (isTrunklineError(why)) throw why;
        throw this.#unavailable(`${url} does not answer: ${messageOf(why)}`, why);
      } finally {
        watchdog.rest();
        this.#open.delete(watchdog);
      }
    }
  }

  async #sent(
    { method, path, headers, body }: Question,
    url: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const agent = await (this.#agent ??= this.#made()).catch((error: unknown) => {
      this.#agent = undefined;
      throw error;
    });
    const json = body === undefined ? {} : { "content-type": "application/json" };
    return agent.request({
      origin: new URL(url).origin,
      path,
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
  }

  async #made(): Promise<Undici.Agent> {
    const { Agent } = await loadUndici(this.#terms.registry);
    const { tls = {}, answerMs } = this.#terms;
    const material = typeof tls === "function" ? await tls() : tls;
    // The watchdogs look after time: they know the clock that we were given.
    return new Agent({
      connect: { timeout: answerMs, ...material },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** The next question makes connections with what the files of certificates hold then. */
  #forget(): void {
    void this.#agent?.then((agent) => agent.destroy()).catch(() => {});
    this.#agent = undefined;
  }

  #unavailable(why: string, cause?: unknown): SystemError {
    return systemError("UNAVAILABLE", `${this.#terms.registry}: ${why}`, {
      executed: "maybe",
      advice: "see that the registry runs and can be reached from here",
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #tooLong(): SystemError {
    const reason = `${this.#terms.registry}: an answer has more than ${answerBytesMax} bytes`;
    return systemError("RESOURCE_EXHAUSTED", reason, { executed: "maybe" });
  }
}

/** Gives a question up when nothing has come for too long, or somebody says so. */
class Watchdog {
  readonly #abort: AbortController = new AbortController();
  readonly #env: Env;
  readonly #withinMs: number;
  readonly #alarm: ReturnType<typeof alarmAt>;
  readonly #outer: AbortSignal | undefined;
  readonly #given = (): void => this.#abort.abort(this.#outer?.reason);

  constructor(env: Env, withinMs: number, silent: Error, outer: AbortSignal | undefined) {
    this.#env = env;
    this.#withinMs = withinMs;
    this.#alarm = alarmAt(env, env.now() + withinMs, () => this.bite(silent));
    this.#outer = outer;
    if (outer?.aborted === true) this.#given();
    else outer?.addEventListener("abort", this.#given);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  feed(): void {
    this.#env.set(this.#alarm, this.#env.now() + this.#withinMs);
  }

  bite(why: Error): void {
    this.#abort.abort(why);
  }

  rest(): void {
    this.#env.clear(this.#alarm);
    this.#outer?.removeEventListener("abort", this.#given);
  }
}

/** Text as it comes: characters are never cut in two. */
async function* piecesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const part of body) yield decoder.decode(part, { stream: true });
}

function checkUrl(url: string, registry: string): void {
  const parsed = URL.parse(url);
  const plain = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "";
  if (plain && /^\/?$/.test(parsed.pathname)) return;
  throw systemError("INVALID_ARGUMENT", `${registry}: this is not the address of a server`, {
    executed: "no",
    advice: "write http://host:port or https://host:port, without credentials and path",
  });
}

/** True when nobody was there to hear the question: another one may be asked. */
function neverSent(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(String(code));
}

/** True when the certificate of the server, or ours, was not taken. */
function distrusted(error: unknown): boolean {
  const code = String((error as { readonly code?: unknown }).code);
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_SSL|ERR_TLS/.test(code);
}

/** The message of an error, or of what it holds: several addresses of one name fail together. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(messageOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}

/** It is an optional peer dependency: only registries at HTTP need it. */
async function loadUndici(registry: string): Promise<typeof Undici> {
  try {
    return await import("undici");
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", `discovery by ${registry} needs the package undici`, {
      executed: "no",
      advice: "npm i undici",
      cause,
    });
  }
}
