import { channels } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import type { Instance, Snapshot, Watch } from "./discovery.ts";
import { instancesMax, readInstance, sameInstance } from "./instance.ts";

/** What a feed asks of whoever fills it. */
export interface FeedSource {
  /** Looks anew at once. */
  refresh(): void;
  /** Stops looking. Called once. */
  close(): void | Promise<void>;
}

/** Whose instances these are. */
export interface FeedTerms {
  /** The name of the registry, for whoever reads what was ignored. */
  readonly registry: string;
  readonly service: string;
  readonly onChange: (snapshot: Snapshot) => void;
  readonly env: Env;
}

/**
 * The watch that a registry fills: counts revisions, tells only what has changed by its content (an index that flaps wakes
 * nobody), never within the call that brought it, keeps the last instances while the registry does not answer, and leaves out
 * what is no instance.
 */
export class Feed implements Watch {
  readonly #terms: FeedTerms;
  readonly #source: FeedSource;
  #current: Snapshot | undefined;
  #telling = false;
  #closed: Promise<void> | undefined;

  constructor(terms: FeedTerms, source: FeedSource) {
    this.#terms = terms;
    this.#source = source;
  }

  get current(): Snapshot | undefined {
    return this.#current;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * The registry says that these are all. What is no instance is left out and reported on `trunkline:discovery`; of two with one
   * id the last one counts.
   */
  filled(written: Iterable<unknown>): void {
    const before = new Map(this.#current?.instances.map((each) => [each.id, each]));
    const found = new Map<string, Instance>();
    for (const each of written) {
      if (found.size === instancesMax) {
        this.#ignored(`more than ${instancesMax} instances`);
        break;
      }
      try {
        const instance = readInstance(each);
        const known = before.get(instance.id);
        // The same object as before when nothing has changed: who compares is done at once.
        const kept = known !== undefined && sameInstance(known, instance) ? known : instance;
        found.set(instance.id, kept);
      } catch (error) {
        this.#ignored((error as Error).message);
      }
    }
    const instances = [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.#become({ status: "ok", instances });
  }

  /** The registry does not answer. */
  unavailable(problem: string): void {
    this.#become({ status: "unavailable", instances: this.#current?.instances ?? [], problem });
  }

  refresh(): void {
    if (!this.closed) this.#source.refresh();
  }

  close(): Promise<void> {
    return (this.#closed ??= Promise.resolve(this.#source.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #become(next: Pick<Snapshot, "status" | "instances" | "problem">): void {
    if (this.closed) return;
    const { service, registry } = this.#terms;
    const before = this.#current;
    if (before !== undefined && before.status === next.status && same(before, next)) return;
    if (before?.status !== next.status && channels.discovery.hasSubscribers) {
      const what = next.status === "ok" ? "available" : "unavailable";
      channels.discovery.publish({ registry, service, what, reason: next.problem });
    }
    this.#current = { service, ...next, revision: (before?.revision ?? 0) + 1 };
    if (this.#telling) return;
    this.#telling = true;
    // What comes in one turn is told once: whoever listens sees the newest, which is all that counts.
    this.#terms.env.yield(() => {
      this.#telling = false;
      if (!this.closed) this.#terms.onChange(this.#current!);
    });
  }

  #ignored(reason: string): void {
    const { registry, service } = this.#terms;
    if (channels.discovery.hasSubscribers)
      channels.discovery.publish({ registry, service, what: "ignored", reason });
  }
}

/** True when both hold the same instances in the same order. */
function same(
  { instances: one }: Pick<Snapshot, "instances">,
  { instances: other }: Pick<Snapshot, "instances">,
): boolean {
  return (
    one === other ||
    (one.length === other.length && one.every((each, index) => sameInstance(each, other[index]!)))
  );
}
