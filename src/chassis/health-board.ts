import { info, type AnyContract } from "../contract/contract.ts";

/** Who serves and who does not, of one process, and who wants to know. */
export class HealthBoard {
  readonly #stopping: AbortSignal;
  /** By `orders@1`: whether it serves as long as the process does. */
  readonly #contracts = new Map<string, boolean>();
  readonly #watchers = new Set<() => void>();

  /** The process serves until `stopping` aborts. */
  constructor(contracts: readonly AnyContract[], stopping: AbortSignal) {
    this.#stopping = stopping;
    for (const contract of contracts) this.#contracts.set(identityOf(contract), true);
    stopping.addEventListener("abort", () => this.#changed(), { once: true });
  }

  /** `name` is `orders`, `orders@1`, or absent for the whole process; undefined: there is no such contract here. */
  serving(name: string | undefined): boolean | undefined {
    const running = !this.#stopping.aborted;
    if (name === undefined) return running;
    const named = [...this.#contracts].filter(
      ([identity]) => identity === name || identity.startsWith(`${name}@`),
    );
    if (named.length === 0) return undefined;
    return running && named.some(([, serving]) => serving);
  }

  set(contract: AnyContract, serving: boolean): void {
    const identity = identityOf(contract);
    if (!this.#contracts.has(identity)) throw new TypeError(`${identity} is not served here`);
    this.#contracts.set(identity, serving);
    this.#changed();
  }

  /** What `serving` says now and whenever that has changed; ends when the process stops, or `signal` aborts. */
  async *watch(
    name: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly serving: boolean }, void> {
    let told: boolean | undefined;
    while (!signal.aborted) {
      const serving = this.serving(name) ?? false;
      if (serving !== told) yield { serving: (told = serving) };
      else if (this.#stopping.aborted) return;
      else await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      this.#watchers.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    this.#watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    return promise;
  }

  #changed(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}

function identityOf(contract: AnyContract): string {
  const { name, major } = contract[info];
  return `${name}@${major}`;
}
