import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Discovery, Watch } from "../discovery.ts";
import { watchByRounds, type Round } from "../rounds.ts";
import { Names, type Found, type Question } from "./names.ts";

export interface DnsOptions {
  /**
   * What is asked for: `orders.internal`, or for SRV `_orders._tcp.internal`. `{service}` in it stands for the name of the service.
   * The name is taken as it is: no search domain is added, and the hosts file is not read.
   */
  readonly name: string;
  /** Where every address of the name listens. Default: SRV records are asked for, which say the port. */
  readonly port?: number;
  /** What is spoken there, as addresses begin: `tcp`, `tls`, `http`, `grpc`… Default `tcp`. */
  readonly scheme?: string;
  /** The servers to ask: `10.0.0.53` or `10.0.0.53:5353`. Default: those of the system. */
  readonly servers?: readonly string[];
  /** An answer is asked for again when it is this old, in milliseconds, though its TTL be shorter. Default 1,000. */
  readonly refreshMsMin?: number;
  /** The same, though its TTL be longer, or not told (SRV): whoever is new is found by then. Default 30,000. */
  readonly refreshMsMax?: number;
  /** That there is nothing is asked for again when it is this old, in milliseconds. Default 5,000. */
  readonly negativeMs?: number;
  /** How long each server may take, in milliseconds; it is asked twice. Default 1,500. */
  readonly answerMs?: number;
}

/**
 * Discovery by DNS: A and AAAA records with one port for all, or SRV records (RFC 2782), of which those of the best priority are
 * taken. Answers are asked for again by their TTL, within bounds, whether calls fail or not: who is new is found without anybody
 * having to fail first. That a name has no addresses (any more) is told as it is; whoever keeps a set of endpoints does not believe
 * it at once. Nobody can register here, and of an instance only the address is known.
 */
export function dns(options: DnsOptions): Discovery {
  const open = new Set<Watch>();
  const terms = termsOf(options);
  const close = async (): Promise<void> => {
    await Promise.all([...open].map((each) => each.close()));
  };
  return {
    name: "dns",
    capabilities: { registers: false, expires: "never", pushes: false, attributes: false },
    watch(service, onChange, env) {
      const names = new Names(terms.servers, terms.answerMs);
      const question = { ...terms.question, name: options.name.replaceAll("{service}", service) };
      const feed = watchByRounds(
        { registry: "dns", service, onChange, env },
        (round) => follow(names, question, service, terms, round),
        () => open.delete(feed),
      );
      open.add(feed);
      return feed;
    },
    register: () =>
      Promise.reject(
        systemError("UNIMPLEMENTED", "nobody registers in DNS from here", {
          executed: "no",
          advice:
            "write the record where the zone is kept, or register in directory:, etcd:// or consul://",
        }),
      ),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Terms = ReturnType<typeof termsOf>;

function termsOf(options: DnsOptions) {
  const { name, port, scheme = "tcp", servers, answerMs = 1_500 } = options;
  const { refreshMsMin = 1_000, refreshMsMax = 30_000, negativeMs = 5_000 } = options;
  if (!/^[A-Za-z0-9_{][A-Za-z0-9_.{}-]*$/.test(name))
    throw wrong(`${JSON.stringify(name)} is no name`);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port <= 65_535))
    throw wrong(`${port} is no port`);
  if (!(refreshMsMin > 0 && refreshMsMin <= refreshMsMax))
    throw wrong("`refreshMsMin` is above 0 and not above `refreshMsMax`");
  const question: Question = { name, port, scheme };
  return { question, servers, answerMs, refreshMsMin, refreshMsMax, negativeMs };
}

async function follow(
  names: Names,
  question: Question,
  service: string,
  terms: Terms,
  { tell, signal, pause, env }: Round,
): Promise<void> {
  const stop = (): void => names.cancel();
  signal.addEventListener("abort", stop, { once: true });
  try {
    while (!signal.aborted) {
      const found = await names.ask(question);
      tell(found.places.map((place) => instanceAt(place, service)));
      await pause(waitMs(found, terms, env));
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** As long as the answer holds, give or take a tenth, so that not all who have asked together ask together again. */
function waitMs({ places, ttlMs }: Found, terms: Terms, env: Env): number {
  const { refreshMsMin, refreshMsMax, negativeMs } = terms;
  const holds = places.length === 0 ? negativeMs : ttlMs;
  return Math.min(refreshMsMax, Math.max(refreshMsMin, holds)) * (0.9 + 0.2 * env.random());
}

function instanceAt({ address, weight }: Found["places"][number], service: string): object {
  const named = { id: address, bootId: address, contracts: [service], addresses: [address] };
  return { ...named, state: "ready", ...(weight > 0 ? { weight } : {}) };
}

function wrong(why: string): Error {
  return systemError("INVALID_ARGUMENT", `dns: ${why}`, {
    executed: "no",
    advice: "write dns://orders.internal:7400, or dns+srv://_orders._tcp.internal",
  });
}
