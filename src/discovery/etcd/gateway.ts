import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import { RegistryHttp, type Answer, type Question, type RegistryTls } from "../registry-http.ts";

/** A key and its value, base64. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface Put extends KeyValue {
  readonly lease: string;
}

/** What has become of a key; without a value it was deleted. */
export interface Change {
  readonly key: string;
  readonly value: string | undefined;
}

export interface GatewayTerms {
  readonly urls: readonly string[];
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly tls: RegistryTls | undefined;
  readonly answerMs: number;
}

/** From which key to which, from which revision on, and for how long. */
export interface WatchAsk {
  readonly from: string;
  readonly end: string;
  readonly revision: bigint;
  readonly forMs: number;
}

interface Written {
  readonly key: string;
  readonly value?: string;
}

interface WatchLine {
  readonly result?: {
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly cancel_reason?: string;
    readonly events?: readonly { readonly type?: "DELETE"; readonly kv: Written }[];
  };
  readonly error?: { readonly message?: string };
}

/** Codes of gRPC. */
const permissionDenied = 7;
const unauthenticated = 16;

const refusal = { executed: "no" } as const;

/** The JSON gateway of etcd's third version: keys and values in base64, numbers of 64 bits as text. */
export class EtcdGateway {
  readonly #http: RegistryHttp;
  readonly #user: GatewayTerms["user"];
  #token: string | undefined;

  constructor({ urls, user, tls, answerMs }: GatewayTerms) {
    this.#http = new RegistryHttp({ registry: "etcd", urls, tls, answerMs });
    this.#user = user;
  }

  /** All keys from `from` to before `end`, or only `from`, and the revision at which that was so. */
  async range(
    from: string,
    end: string | undefined,
    env: Env,
    signal?: AbortSignal,
  ): Promise<{ readonly revision: bigint; readonly found: readonly KeyValue[] }> {
    const ask = { key: base64(from), ...(end === undefined ? {} : { range_end: base64(end) }) };
    const { header, kvs = [] } = await this.#ask<{
      readonly header: { readonly revision: string };
      readonly kvs?: readonly Written[];
    }>("/v3/kv/range", ask, env, signal);
    const found = kvs.map(({ key, value = "" }) => ({ key: text(key), value }));
    return { revision: BigInt(header.revision), found };
  }

  /**
   * Follows changes until everything has to be read anew, because `forMs` are over or the history has been compacted (`resync`), or
   * because etcd has ended it. Rejects when the connection is lost.
   */
  async watch(
    { from, end, revision, forMs }: WatchAsk,
    hear: (changes: readonly Change[]) => void,
    env: Env,
    signal: AbortSignal,
  ): Promise<"resync" | "ended"> {
    const create = {
      key: base64(from),
      range_end: base64(end),
      start_revision: String(revision),
    };
    const over = new AbortController();
    const done = (): void => over.abort();
    const alarm = alarmAt(env, env.now() + forMs, done);
    const stop = AbortSignal.any([signal, over.signal]);
    try {
      const question = await this.#question("/v3/watch", { create_request: create }, env, stop);
      await this.#http.follow({ ...question, withinMs: Infinity }, env, heard, (answer) => {
        throw this.#refused(answer);
      });
      return "ended";
    } catch (error) {
      if (over.signal.aborted) return "resync";
      throw error;
    } finally {
      env.clear(alarm);
    }

    function heard(line: string): void {
      const { result, error } = JSON.parse(line) as WatchLine;
      if (error !== undefined) throw systemError("UNAVAILABLE", `etcd: ${error.message}`, refusal);
      const { canceled, compact_revision: compacted, events = [] } = result ?? {};
      if (canceled === true || Number(compacted ?? 0) > 0) return done();
      if (events.length === 0) return;
      hear(
        events.map(({ type, kv: { key, value = "" } }) => ({
          key: text(key),
          value: type === "DELETE" ? undefined : value,
        })),
      );
    }
  }

  /** A new lease. */
  async grant(ttlSeconds: number, env: Env): Promise<string> {
    const ask = { TTL: String(ttlSeconds), ID: "0" };
    return (await this.#ask<{ readonly ID: string }>("/v3/lease/grant", ask, env)).ID;
  }

  /** False when there is no such lease any more. */
  async keepAlive(lease: string, env: Env): Promise<boolean> {
    const { result } = await this.#ask<{ readonly result?: { readonly TTL?: string } }>(
      "/v3/lease/keepalive",
      { ID: lease },
      env,
    );
    return Number(result?.TTL ?? 0) > 0;
  }

  /** Ends a lease, and with it all keys that hang on it. That there is no such lease is as good. */
  async revoke(lease: string, env: Env): Promise<void> {
    await this.#ask("/v3/lease/revoke", { ID: lease }, env).catch((error: unknown) => {
      if (!(error instanceof Error) || !/lease not found/.test(error.message)) throw error;
    });
  }

  /** Puts all of them or none: always, or only if the key that is named has that value or does not exist. */
  async put(puts: readonly Put[], unless: KeyValue | undefined, env: Env): Promise<boolean> {
    const success = puts.map(({ key, value, lease }) => ({
      request_put: { key: base64(key), value, lease },
    }));
    if (unless === undefined) {
      await this.#ask("/v3/kv/txn", { compare: [], success, failure: [] }, env);
      return true;
    }
    const key = base64(unless.key);
    const same = { target: "VALUE", result: "EQUAL", key, value: unless.value };
    const absent = { target: "VERSION", result: "EQUAL", key, version: "0" };
    const inner = { compare: [same], success, failure: [] };
    const { succeeded, responses = [] } = await this.#ask<{
      readonly succeeded?: boolean;
      readonly responses?: readonly { readonly response_txn?: { readonly succeeded?: boolean } }[];
    }>("/v3/kv/txn", { compare: [absent], success, failure: [{ request_txn: inner }] }, env);
    return succeeded === true || responses[0]?.response_txn?.succeeded === true;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #refused(answer: Answer): SystemError {
    const { code, message = `status ${answer.status}` } = refusalIn(answer);
    const reason = `etcd: ${message.replace(/^etcdserver: /, "")}`;
    const advice = `let the user of the option \`user\`${this.#user === undefined ? ", which is missing," : ""} read and write what is under \`prefix\``;
    // "user name is empty" and "invalid user ID or password" come as invalid arguments.
    if (code === unauthenticated || /user (name|ID)|auth token/i.test(message))
      return systemError("UNAUTHENTICATED", reason, { ...refusal, advice });
    if (code === permissionDenied)
      return systemError("PERMISSION_DENIED", reason, { ...refusal, advice });
    return systemError("UNAVAILABLE", reason, refusal);
  }

  async #ask<T>(path: string, body: unknown, env: Env, signal?: AbortSignal): Promise<T> {
    let answer = await this.#http.ask(await this.#question(path, body, env, signal), env);
    if (this.#user !== undefined && refusalIn(answer).code === unauthenticated) {
      this.#token = undefined; // it has a time to live, and is forgotten when etcd starts anew
      answer = await this.#http.ask(await this.#question(path, body, env, signal), env);
    }
    if (answer.status !== 200) throw this.#refused(answer);
    return JSON.parse(answer.text) as T;
  }

  async #question(
    path: string,
    body: unknown,
    env: Env,
    signal: AbortSignal | undefined,
  ): Promise<Question> {
    const token = await this.#authenticated(env, signal);
    return {
      method: "POST",
      path,
      body,
      ...(token === undefined ? {} : { headers: { authorization: token } }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  async #authenticated(env: Env, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#user === undefined) return undefined;
    if (this.#token !== undefined) return this.#token;
    const answer = await this.#http.ask(
      {
        method: "POST",
        path: "/v3/auth/authenticate",
        body: this.#user,
        ...(signal === undefined ? {} : { signal }),
      },
      env,
    );
    if (answer.status !== 200) throw this.#refused(answer);
    return (this.#token = (JSON.parse(answer.text) as { readonly token: string }).token);
  }
}

export function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}

/** What stands in base64. */
export function text(value: string): string {
  return Buffer.from(value, "base64").toString();
}

/** The first key behind all that begin with this one. */
export function endOf(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

interface Refusal {
  readonly code?: number;
  readonly message?: string;
}

function refusalIn({ status, text: body }: Answer): Refusal {
  if (status === 200) return {};
  try {
    return JSON.parse(body) as Refusal;
  } catch {
    return { message: `status ${status}` };
  }
}
