import { reportIncident } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { uuidv7 } from "../base/id.ts";
import type { Transport } from "../transport/transport.ts";

/** What a process reads again while it runs: what its transports have of files, then whatever its user reads. */
export class Reloading {
  readonly #transports: readonly Transport[];
  readonly #own: () => void | Promise<void>;
  readonly #env: Env;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(
    transports: readonly Transport[],
    own: (() => void | Promise<void>) | undefined,
    env: Env,
  ) {
    this.#transports = transports;
    this.#own = own ?? (() => {});
    this.#env = env;
  }

  /** One after the other. Who asks while one runs waits for the next, which all share who have asked meanwhile. Rejects with the first failure. */
  reload(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    const again = (): Promise<void> => {
      this.#next = undefined;
      return this.#begin();
    };
    return (this.#next ??= this.#running.then(again, again));
  }

  /** By a signal, nobody waits: what fails is told, and what was there goes on. */
  readonly asked = (): void => {
    this.reload().catch((error: unknown) => {
      reportIncident({ id: uuidv7(this.#env), operation: "reloading", error });
    });
  };

  #begin(): Promise<void> {
    const running = this.#reload().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    return (this.#running = running);
  }

  async #reload(): Promise<void> {
    const failures: unknown[] = [];
    const act = async (read: () => void | Promise<void>): Promise<void> => {
      try {
        await read();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const transport of this.#transports) await act(() => transport.reload?.());
    await act(this.#own);
    if (failures.length > 0) throw failures[0];
  }
}
