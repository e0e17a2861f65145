import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import type {
  Discovery,
  DiscoveryCapabilities,
  Instance,
  Lease,
  RegisterOptions,
  Snapshot,
  Watch,
} from "../discovery/discovery.ts";
import { Feed, type FeedTerms } from "../discovery/feed.ts";

/** A discovery whose module is loaded when it is first used: most processes need none of them. */
export class LateDiscovery implements Discovery {
  readonly name: string;
  readonly capabilities: DiscoveryCapabilities;
  readonly #load: () => Promise<Discovery>;
  readonly #feeds: Set<Watch> = new Set();
  #loading: Promise<Discovery> | undefined;
  #closed = false;

  constructor(name: string, capabilities: DiscoveryCapabilities, load: () => Promise<Discovery>) {
    this.name = name;
    this.capabilities = capabilities;
    this.#load = load;
  }

  watch(service: string, onChange: (snapshot: Snapshot) => void, env: Env): Watch {
    const open = (): Promise<Discovery> => this.#loaded();
    const closed = (): void => void this.#feeds.delete(late.feed);
    const terms = { registry: this.name, service, onChange, env };
    const late = new LateWatch(terms, open, closed);
    this.#feeds.add(late.feed);
    late.begin();
    return late.feed;
  }

  async register(instance: Instance, options: RegisterOptions, env: Env): Promise<Lease> {
    return (await this.#loaded()).register(instance, options, env);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#feeds].map((feed) => feed.close()));
    // What could not be loaded has nothing to close.
    await (await this.#loading?.catch(() => undefined))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #loaded(): Promise<Discovery> {
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the registry is closed", { executed: "no" });
    try {
      return await (this.#loading ??= this.#load());
    } catch (error) {
      this.#loading = undefined;
      throw notLoaded(this.name, error);
    }
  }
}

/** A watch that begins when its registry is there. */
class LateWatch {
  readonly feed: Feed;
  readonly #terms: FeedTerms;
  readonly #open: () => Promise<Discovery>;
  #inner: Promise<Watch> | undefined;

  constructor(terms: FeedTerms, open: () => Promise<Discovery>, closed: () => void) {
    this.#terms = terms;
    this.#open = open;
    this.feed = new Feed(terms, {
      // What could not be loaded may have been installed meanwhile.
      refresh: () => (this.#inner === undefined ? this.begin() : this.#refresh()),
      close: async () => {
        closed();
        await (await this.#inner?.catch(() => undefined))?.close();
      },
    });
  }

  begin(): void {
    this.#inner = this.#begin();
    this.#inner.catch((error: TrunklineError) => {
      this.#inner = undefined;
      this.feed.unavailable(error.reason);
    });
  }

  async #begin(): Promise<Watch> {
    const discovery = await this.#open();
    const { service, env } = this.#terms;
    return discovery.watch(service, (snapshot) => this.#told(snapshot), env);
  }

  #told({ status, instances, problem }: Snapshot): void {
    if (status === "unavailable") this.feed.unavailable(problem ?? "it does not answer");
    else this.feed.filled(instances);
  }

  #refresh(): void {
    void this.#inner?.then(
      (watch) => watch.refresh(),
      () => {},
    );
  }
}

function notLoaded(name: string, cause: unknown): TrunklineError {
  if (isTrunklineError(cause)) return cause;
  const told = cause instanceof Error ? cause.message : String(cause);
  const reason = `the registry ${name} cannot be loaded: ${told}`;
  return systemError("UNIMPLEMENTED", reason, { executed: "no", cause });
}
