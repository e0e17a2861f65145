import { Pattern } from "../access/pattern.ts";
import { definitionName } from "../host-names.ts";
import { Refusal } from "../refusal.ts";
import type { Definition, Storage } from "../storage.ts";
import type { ExchangeTerms, QueueTerms } from "../terms.ts";
import { effectiveAlternate, effectiveQueue, merged } from "./effective.ts";
import { checkSettings, type Settings } from "./settings.ts";

/** To what a policy may apply: classic and quorum queues are told apart by the `x-queue-type` that they were declared with. */
export const appliesTo = [
  "all",
  "queues",
  "exchanges",
  "classic_queues",
  "quorum_queues",
  "streams",
] as const;

export type AppliesTo = (typeof appliesTo)[number];

/** Settings for all queues or exchanges of a virtual host whose names match. */
export interface Policy {
  readonly host: string;
  readonly name: string;
  /** A regular expression. */
  readonly pattern: string;
  readonly applyTo: AppliesTo;
  /** The matching policy with the highest one holds, and that one alone. */
  readonly priority: number;
  readonly definition: Settings;
  /** An operator's: holds beside the other kind, bounds only. */
  readonly operator: boolean;
}

/** What policies make of a queue. */
export interface UnderPolicy {
  readonly terms: QueueTerms;
  readonly policy: string | undefined;
  readonly operatorPolicy: string | undefined;
  /** What both set together. */
  readonly settings: Settings;
}

/** Policies of one virtual host, and as many an operator's. */
const policiesMax = 1_000;

interface Compiled {
  readonly policy: Policy;
  readonly pattern: Pattern;
}

/** The policies of all virtual hosts. */
export class Policies {
  readonly #storage: Pick<Storage, "define" | "undefine">;
  /** By kind and virtual host, the highest priority first. */
  readonly #hosts = new Map<string, readonly Compiled[]>();
  readonly #operatorHosts = new Map<string, readonly Compiled[]>();
  readonly #changed: ((host: string) => void)[] = [];

  /** `found`: definitions, of which it takes up its own. */
  constructor(found: readonly Definition[], storage: Pick<Storage, "define" | "undefine">) {
    this.#storage = storage;
    for (const { kind, value } of found)
      if (kind === "policy" || kind === "operator-policy") this.#put(value as unknown as Policy);
  }

  /** Calls back with the virtual host whose policies have changed. */
  onChange(listener: (host: string) => void): void {
    this.#changed.push(listener);
  }

  /** All, or those of a virtual host. */
  all(operator: boolean, host?: string): readonly Policy[] {
    const hosts = operator ? this.#operatorHosts : this.#hosts;
    const lists = host === undefined ? [...hosts.values()] : [hosts.get(host) ?? []];
    return lists.flat().map(({ policy }) => policy);
  }

  get(host: string, name: string, operator: boolean): Policy | undefined {
    return this.all(operator, host).find((policy) => policy.name === name);
  }

  /** @throws Refusal (precondition-failed) when it cannot be. */
  set(policy: Policy): void {
    const { host, name, applyTo, priority, operator, pattern, definition } = policy;
    checkSettings(definition, operator);
    if (!appliesTo.includes(applyTo))
      throw new Refusal(
        "precondition-failed",
        `a policy applies to one of ${appliesTo.join(", ")}`,
      );
    if (!Number.isSafeInteger(priority))
      throw new Refusal("precondition-failed", "the priority of a policy is a whole number");
    const value = { host, name, pattern, applyTo, priority, definition, operator };
    this.#put(value);
    this.#storage.define({ kind: kindOf(operator), name: definitionName(host, name), value });
    this.#tell(host);
  }

  /** @returns whether there was one. */
  remove(host: string, name: string, operator: boolean): boolean {
    const hosts = operator ? this.#operatorHosts : this.#hosts;
    const list = hosts.get(host) ?? [];
    const left = list.filter(({ policy }) => policy.name !== name);
    if (left.length === list.length) return false;
    if (left.length > 0) hosts.set(host, left);
    else hosts.delete(host);
    this.#storage.undefine(kindOf(operator), definitionName(host, name));
    this.#tell(host);
    return true;
  }

  /** The virtual host is gone. */
  forgetHost(host: string): void {
    for (const operator of [false, true])
      for (const { name } of this.all(operator, host)) this.remove(host, name, operator);
  }

  /** What a queue lives by that was declared so. */
  queue(host: string, terms: QueueTerms): UnderPolicy {
    const kind = kindOfQueue(terms);
    const policy = matching(this.#hosts.get(host), terms.name, kind);
    const operator = matching(this.#operatorHosts.get(host), terms.name, kind);
    const settings = policy?.definition ?? {};
    const bounds = operator?.definition ?? {};
    const none = policy === undefined && operator === undefined;
    return {
      terms: none ? terms : effectiveQueue(terms, settings, bounds),
      policy: policy?.name,
      operatorPolicy: operator?.name,
      settings: none ? {} : merged(settings, bounds),
    };
  }

  /** Where an exchange that was declared so sends what it can route nowhere, and by which policy. */
  exchange(
    host: string,
    terms: ExchangeTerms,
  ): { readonly alternate: string | undefined; readonly policy: string | undefined } {
    const policy = matching(this.#hosts.get(host), terms.name, "exchanges");
    const alternate = effectiveAlternate(terms, policy?.definition ?? {});
    return { alternate, policy: policy?.name };
  }

  #put(policy: Policy): void {
    const compiled = { policy, pattern: new Pattern(policy.pattern) };
    const hosts = policy.operator ? this.#operatorHosts : this.#hosts;
    const others = (hosts.get(policy.host) ?? []).filter(
      (each) => each.policy.name !== policy.name,
    );
    if (others.length >= policiesMax)
      throw new Refusal(
        "precondition-failed",
        `there are ${policiesMax} policies in '${policy.host}', the most there can be`,
      );
    const list = [...others, compiled];
    // Of two with the same priority it is always the same one that holds.
    list.sort(
      (a, b) => b.policy.priority - a.policy.priority || (a.policy.name < b.policy.name ? -1 : 1),
    );
    hosts.set(policy.host, list);
  }

  #tell(host: string): void {
    for (const listener of this.#changed) listener(host);
  }
}

function matching(
  list: readonly Compiled[] | undefined,
  name: string,
  kind: AppliesTo,
): Policy | undefined {
  return list?.find(({ policy, pattern }) => covers(policy.applyTo, kind) && pattern.matches(name))
    ?.policy;
}

function covers(applyTo: AppliesTo, kind: AppliesTo): boolean {
  return applyTo === "all" || applyTo === kind || (applyTo === "queues" && kind !== "exchanges");
}

function kindOfQueue({ kind, arguments: given }: QueueTerms): AppliesTo {
  if (kind === "log") return "streams";
  return given["x-queue-type"] === "quorum" ? "quorum_queues" : "classic_queues";
}

function kindOf(operator: boolean): string {
  return operator ? "operator-policy" : "policy";
}
