import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import { RegistryHttp, type Answer, type Question, type RegistryTls } from "../registry-http.ts";
import { bootKey, type Entry } from "./entry.ts";

export interface AgentTerms {
  readonly urls: readonly string[];
  readonly token: string | undefined;
  readonly tls: RegistryTls | undefined;
  readonly datacenter: string | undefined;
  readonly answerMs: number;
}

/** The HTTP API of a Consul agent, as far as discovery needs it. */
export class ConsulAgent {
  readonly #http: RegistryHttp;
  readonly #token: string | undefined;
  readonly #datacenter: string | undefined;
  readonly #answerMs: number;

  constructor({ urls, token, tls, datacenter, answerMs }: AgentTerms) {
    this.#http = new RegistryHttp({ registry: "consul", urls, tls, answerMs });
    this.#token = token;
    this.#datacenter = datacenter;
    this.#answerMs = answerMs;
  }

  /**
   * The services of the name whose checks pass, those that were registered later after the others, so that the newer life of an instance counts. With
   * `above` 0 at once, else when the index is above it or `waitMs` are over: that it returns does not mean that anything has changed.
   */
  async healthy(
    name: string,
    above: number,
    waitMs: number,
    env: Env,
    signal: AbortSignal,
  ): Promise<{ readonly index: number; readonly entries: readonly Entry[] }> {
    const query = new URLSearchParams({ passing: "1" });
    if (this.#datacenter !== undefined) query.set("dc", this.#datacenter);
    if (above > 0) {
      query.set("index", String(above));
      query.set("wait", `${waitMs}ms`);
    }
    // Consul waits up to a sixteenth longer, so that not all ask at once.
    const withinMs = this.#answerMs + (above > 0 ? (waitMs * 17) / 16 : 0);
    const path = `/v1/health/service/${encodeURIComponent(name)}?${query.toString()}`;
    const answer = await this.#ask({ method: "GET", path, withinMs, signal }, env);
    if (answer.status !== 200) throw this.#refused(answer);
    // From 1.12 on it says so when a token may not see all; before, what it may not see is just not there.
    if (answer.headers["x-consul-results-filtered-by-acls"] === "true")
      throw this.#refused({ ...answer, status: 403, text: `the token may not see all of ${name}` });
    const entries = JSON.parse(answer.text) as readonly Entry[];
    return {
      index: Number(answer.headers["x-consul-index"] ?? 0),
      entries: entries.toSorted(
        (a, b) => (a.Service.CreateIndex ?? 0) - (b.Service.CreateIndex ?? 0),
      ),
    };
  }

  /** Registers a service at the agent, instead of what has its id. */
  async register(service: unknown, env: Env): Promise<void> {
    const path = "/v1/agent/service/register?replace-existing-checks=true";
    const answer = await this.#ask({ method: "PUT", path, body: service }, env);
    if (answer.status !== 200) throw this.#refused(answer);
  }

  async deregister(id: string, env: Env): Promise<void> {
    const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`;
    const answer = await this.#ask({ method: "PUT", path }, env);
    if (answer.status !== 200 && answer.status !== 404) throw this.#refused(answer);
  }

  /** Which life has registered the service at this agent; undefined when there is none. */
  async bootOf(id: string, env: Env): Promise<string | undefined> {
    const path = `/v1/agent/service/${encodeURIComponent(id)}`;
    const answer = await this.#ask({ method: "GET", path }, env);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#refused(answer);
    const { Meta } = JSON.parse(answer.text) as { readonly Meta?: Record<string, string> | null };
    return Meta?.[bootKey] ?? "";
  }

  /** Lets a check pass for its time to live; false when the agent does not know it. */
  async pass(check: string, env: Env): Promise<boolean> {
    const path = `/v1/agent/check/pass/${encodeURIComponent(check)}`;
    const answer = await this.#ask({ method: "PUT", path }, env);
    if (answer.status === 200) return true;
    // Until 1.10 an unknown check is a failure inside, afterwards it is not found.
    if (answer.status === 404 || /check/i.test(answer.text)) return false;
    throw this.#refused(answer);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #ask(question: Question, env: Env): Promise<Answer> {
    const headers = this.#token === undefined ? {} : { "x-consul-token": this.#token };
    return this.#http.ask({ ...question, headers }, env);
  }

  #refused({ status, text }: Answer): SystemError {
    const reason = `consul: ${text.trim().slice(0, 500) || `status ${status}`}`;
    if (status !== 403) return systemError("UNAVAILABLE", reason, { executed: "no" });
    return systemError("PERMISSION_DENIED", reason, {
      executed: "no",
      advice: "give a `token` with service:read and node:read, and with service:write to register",
    });
  }
}
