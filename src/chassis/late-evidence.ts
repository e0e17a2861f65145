import type { SharedEvidence } from "../bridge/evidence/client.ts";
import { localEvidence, type EndpointEvidence, type Evidence } from "../resilience/evidence.ts";

/** Evidence whose channel is loaded when the first endpoint is joined; until then everybody sees for himself. */
export class LateEvidence implements Evidence, AsyncDisposable {
  readonly #load: () => Promise<SharedEvidence>;
  #loading: Promise<SharedEvidence | undefined> | undefined;

  constructor(load: () => Promise<SharedEvidence>) {
    this.#load = load;
  }

  join(service: string, endpoint: string, suspect: (until: number) => void): EndpointEvidence {
    let inner = localEvidence.join(service, endpoint, suspect);
    let left = false;
    this.#loading ??= this.#load().catch(() => undefined); // as when the channel is lost: local only
    void this.#loading.then((evidence) => {
      if (evidence !== undefined && !left) inner = evidence.join(service, endpoint, suspect);
    });
    return {
      shut: (now) => inner.shut(now),
      begins: (now) => inner.begins(now),
      saw: (failures, now) => inner.saw(failures, now),
      leave: () => {
        left = true;
        inner.leave();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const evidence = await this.#loading;
    await evidence?.[Symbol.asyncDispose]();
  }
}
