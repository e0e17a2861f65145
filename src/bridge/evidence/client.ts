import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Client } from "../../call/client-type.ts";
import { detached } from "../../call/served-context.ts";
import type { EndpointEvidence, Evidence } from "../../resilience/evidence.ts";
import { askMs, lookWaits, Places, type Place } from "../places.ts";
import { observationsMax, reportDebounceMs } from "./bounds.ts";
import type { EvidenceExchange, Opinion, Reporter } from "./contract.ts";
import { JoinedEndpoint, type ExchangeActs } from "./joined-endpoint.ts";
import { endpointKey, verdicts } from "./verdicts.ts";

export type ExchangeClient = Client<typeof EvidenceExchange> & AsyncDisposable;

export interface EvidenceTerms extends Reporter {
  /** How many hosts must have seen an endpoint fail, 2 to 100. Default 2. */
  readonly quorum?: number | undefined;
  /** Their word alone opens the breaker of this process too. Default false: it only makes it suspicious. */
  readonly global?: boolean | undefined;
}

/** Who follows hears something at least this often, in milliseconds. */
const silenceMs = 150_000;

/** Evidence that is exchanged with other processes. While they cannot be heard, only what this process saw itself counts. */
export class SharedEvidence implements Evidence, AsyncDisposable {
  readonly #places: Places<ExchangeClient>;
  readonly #terms: EvidenceTerms;
  readonly #quorum: number;
  readonly #env: Env;
  readonly #joined = new Map<string, JoinedEndpoint>();
  readonly #unreported = new Set<JoinedEndpoint>();
  readonly #acts: ExchangeActs;
  #reporting: Alarm | undefined;
  #following: Promise<void> | undefined;
  #interrupt: (() => void) | undefined;
  #closed = false;

  constructor(places: readonly Place<ExchangeClient>[], terms: EvidenceTerms, env: Env) {
    const { quorum = 2 } = terms;
    if (!Number.isInteger(quorum) || quorum < 2 || quorum > 100)
      throw systemError("INVALID_ARGUMENT", `breaker quorum is ${quorum}; it is from 2 to 100`, {
        executed: "no",
        advice: "count hosts: with one, a fault of that host would open all",
      });
    this.#places = new Places(places);
    this.#terms = terms;
    this.#quorum = quorum;
    this.#env = env;
    this.#acts = { report: (of) => this.#reportSoon(of), askProbe: (of) => void this.#ask(of) };
  }

  join(service: string, endpoint: string, suspect: (until: number) => void): EndpointEvidence {
    const key = endpointKey(service, endpoint);
    let joined = this.#joined.get(key);
    if (joined === undefined) {
      joined = new JoinedEndpoint({ service, endpoint }, this.#acts);
      this.#joined.set(key, joined);
    }
    const shared = joined;
    shared.suspects.add(suspect);
    this.#following ??= detached(() => this.#follow());
    return {
      shut: (now) => shared.shut(now),
      begins: (now) => shared.begins(now),
      saw: (failures, now) => shared.saw(failures, now),
      leave: () => {
        shared.suspects.delete(suspect);
        if (shared.suspects.size > 0) return;
        this.#unreported.delete(shared);
        if (this.#joined.get(key) === shared) this.#joined.delete(key);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#reporting !== undefined) this.#env.clear(this.#reporting);
    this.#interrupt?.();
    await this.#following;
    await this.#places.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    let failures = 0;
    while (!this.#closed) {
      for (let index = 0; index < this.#places.count && !this.#closed; index++) {
        const abort = new AbortController();
        this.#interrupt = () => abort.abort();
        const terms = { deadline: askMs, idle: silenceMs, signal: abort.signal };
        let heard = false;
        try {
          for await (const { opinions } of this.#places.client(index).follow(undefined, terms)) {
            heard = true;
            failures = 0;
            this.#heard(opinions);
          }
        } catch {
          // Told by nobody: it is only help, and what was seen here counts as before.
        }
        this.#interrupt = undefined;
        if (heard) break;
      }
      this.#heard([]);
      if (!this.#closed) await this.#pause(failures++);
    }
  }

  #heard(opinions: readonly Opinion[]): void {
    const now = this.#env.now();
    const known = opinions.filter(({ service, endpoint }) =>
      this.#joined.has(endpointKey(service, endpoint)),
    );
    const judged = verdicts(known, this.#quorum, now);
    for (const [key, joined] of this.#joined)
      joined.heard(judged.get(key), this.#terms.global === true, now);
  }

  #pause(failures: number): Promise<void> {
    const waitMs = backoff(failures, lookWaits, () => this.#env.random());
    return new Promise((resolve) => {
      const alarm = alarmAt(this.#env, this.#env.now() + waitMs, resolve);
      this.#interrupt = () => {
        this.#env.clear(alarm);
        resolve();
      };
    });
  }

  #reportSoon(of: JoinedEndpoint): void {
    this.#unreported.add(of);
    this.#reportLater();
  }

  #reportLater(): void {
    if (this.#closed || this.#reporting !== undefined) return;
    const dueMs = this.#env.now() + reportDebounceMs;
    this.#reporting = alarmAt(this.#env, dueMs, () => void this.#report());
  }

  async #report(): Promise<void> {
    this.#reporting = undefined;
    const some = [...this.#unreported].slice(0, observationsMax);
    for (const each of some) this.#unreported.delete(each);
    if (this.#unreported.size > 0) this.#reportLater();
    const { host, process } = this.#terms;
    const observations = some.map(({ name, failures }) => ({ ...name, failures }));
    try {
      await this.#places.ask((exchange, deadline) =>
        exchange.report({ host, process, observations }, { deadline }),
      );
    } catch {
      for (const each of some) each.unreported();
    }
  }

  async #ask(of: JoinedEndpoint): Promise<void> {
    const { host, process } = this.#terms;
    const answer = await this.#places
      .ask((exchange, deadline) => exchange.probe({ ...of.name, host, process }, { deadline }))
      .catch(() => undefined);
    if (answer?.granted === true) of.granted(this.#env.now() + answer.forMs);
  }
}
