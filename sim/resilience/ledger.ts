import type { Executed } from "trunkline";

/** What became of one call, from both sides. */
interface Entry {
  readonly operation: string;
  readonly deadlineAt: number;
  executions: number;
  /** What the caller was told; undefined while it waits. */
  told: Executed | "ok" | undefined;
  tries: number;
  /** Tries that nobody can have seen. */
  unseen: number;
}

/** Knows of each call how often its handler began, and what its caller was told. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  answered = 0;
  calls = 0;
  tries = 0;
  unseen = 0;
  readonly failures: { no: number; maybe: number; yes: number } = { no: 0, maybe: 0, yes: 0 };

  begin(id: string, operation: string, deadlineAt: number): void {
    this.calls++;
    const fresh = { executions: 0, told: undefined, tries: 0, unseen: 0 };
    this.#entries.set(id, { operation, deadlineAt, ...fresh });
  }

  tried(id: string): Entry {
    const entry = this.#entries.get(id)!;
    entry.tries++;
    this.tries++;
    return entry;
  }

  executed(id: string): void {
    this.#entries.get(id)!.executions++;
  }

  tell(id: string, told: Executed | "ok"): void {
    this.#entries.get(id)!.told = told;
    if (told === "ok") this.answered++;
    else this.failures[told]++;
  }

  /** What is not as it was told; only to be asked when all is quiet. */
  *lies(): IterableIterator<string> {
    for (const [id, { operation, executions, told }] of this.#entries) {
      if (told === undefined) yield `${id} hangs`;
      if (told === "no" && executions > 0) yield `${id} was told "no" and ran ${executions} times`;
      if ((told === "ok" || told === "yes") && executions === 0)
        yield `${id} was told "${told}" and never ran`;
      if (operation !== "read" && executions > 1) yield `${id} ran ${executions} times`;
    }
  }
}
