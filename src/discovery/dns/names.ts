import { Resolver } from "node:dns/promises";

/** What is asked of a name: addresses for one port, or, without a port, services. */
export interface Question {
  readonly name: string;
  readonly port: number | undefined;
  readonly scheme: string;
}

/** One place that a name leads to. */
export interface NamedPlace {
  /** `tcp://10.0.0.1:7400` */
  readonly address: string;
  /** Its share, as SRV says it; 0: nothing is said. */
  readonly weight: number;
}

/** An answer, and how long it holds, in milliseconds; Infinity where that is not told. */
export interface Found {
  readonly places: readonly NamedPlace[];
  readonly ttlMs: number;
}

/** Codes that mean: the server has answered, and there is nothing. */
const nothing: ReadonlySet<string> = new Set(["ENODATA", "ENOTFOUND"]);

const none: Found = { places: [], ttlMs: Infinity };

/** Asks name servers themselves, with a TTL, rather than the library of the system, which tells none and blocks a thread. */
export class Names {
  readonly #resolver: Resolver;
  /** The last answer of each family: one whose servers fail for one of them does not lose that half. */
  readonly #last: Map<"A" | "AAAA", Found> = new Map();

  constructor(servers: readonly string[] | undefined, answerMs: number) {
    this.#resolver = new Resolver({ timeout: answerMs, tries: 2 });
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  /** Rejects when no server answers. */
  ask({ name, port, scheme }: Question): Promise<Found> {
    return port === undefined ? this.#services(name, scheme) : this.#addresses(name, port, scheme);
  }

  /** Gives up what is being asked; it rejects. */
  cancel(): void {
    this.#resolver.cancel();
  }

  async #addresses(name: string, port: number, scheme: string): Promise<Found> {
    const ttl = { ttl: true } as const;
    const four = this.#family("A", async () =>
      (await this.#resolver.resolve4(name, ttl)).map((each) => ({ ...each, host: each.address })),
    );
    const six = this.#family("AAAA", async () =>
      (await this.#resolver.resolve6(name, ttl)).map((each) => ({
        ...each,
        host: `[${each.address}]`,
      })),
    );
    const answers = await Promise.allSettled([four, six]);
    const found = answers.map((each, index) => {
      if (each.status === "fulfilled") return each.value;
      return this.#last.get(index === 0 ? "A" : "AAAA") ?? none;
    });
    const [first, second] = answers;
    if (first?.status === "rejected" && second?.status === "rejected") throw first.reason;
    const hosts = found.flatMap(({ places }) => places);
    return {
      places: hosts.map(({ address, weight }) => ({
        address: `${scheme}://${address}:${port}`,
        weight,
      })),
      ttlMs: Math.min(...found.map(({ ttlMs }) => ttlMs)),
    };
  }

  async #family(
    family: "A" | "AAAA",
    ask: () => Promise<readonly { readonly host: string; readonly ttl: number }[]>,
  ): Promise<Found> {
    const records = await ask().catch(nobody);
    const found = {
      places: records.map(({ host }) => ({ address: host, weight: 0 })),
      ttlMs: Math.min(...records.map(({ ttl }) => ttl * 1_000)),
    };
    this.#last.set(family, found);
    return found;
  }

  async #services(name: string, scheme: string): Promise<Found> {
    const records = await this.#resolver.resolveSrv(name).catch(nobody);
    const best = Math.min(...records.map(({ priority }) => priority));
    // A single record whose target is the root says that there is no such service (RFC 2782).
    const taken = records.filter(
      (each) => each.priority === best && each.name !== "" && each.port > 0,
    );
    const places = taken.map((each) => ({
      address: `${scheme}://${each.name}:${each.port}`,
      weight: each.weight,
    }));
    return { places, ttlMs: Infinity };
  }
}

function nobody(error: unknown): never[] {
  if (nothing.has((error as NodeJS.ErrnoException).code ?? "")) return [];
  throw error;
}
