import { systemError } from "../../base/error.ts";

/** Where a cluster is, and as whom one comes. */
export interface KafkaAddress {
  /** Without credentials. */
  readonly text: string;
  /** The nodes that are asked first; they name all others. */
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly mechanism: KafkaMechanism;
}

export type KafkaMechanism = "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";

const mechanisms: ReadonlyMap<string, KafkaMechanism> = new Map([
  ["plain", "PLAIN"],
  ["scram-sha-256", "SCRAM-SHA-256"],
  ["scram-sha-512", "SCRAM-SHA-512"],
]);

const portDefault = 9_092;

/**
 * `kafka://h1:9092,h2` or, with TLS, `kafkas://`; with credentials `kafka://user:password@h1`, by SCRAM-SHA-256 unless
 * `?mechanism=plain` or `scram-sha-512` says otherwise. Ports are 9092 where none is said.
 *
 * @throws TrunklineError INVALID_ARGUMENT, which does not show the credentials.
 */
export function parseKafkaAddress(address: string): KafkaAddress {
  const match = /^(kafkas?):\/\/(?:(.*)@)?([^@/?]+)\/?(?:\?(.*))?$/s.exec(address);
  if (match === null) throw refused(address, "write kafka://host:9092,host:9092");
  const [, scheme = "", credentials, hosts = "", query = ""] = match;
  const seeds = hosts.split(",").map((each) => {
    const parts = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(each.trim());
    const port = Number(parts?.[2] ?? portDefault);
    if (parts === null || port < 1 || port > 65_535)
      throw refused(address, "hosts are host or host:port, with commas between them");
    return { host: parts[1]!.replace(/^\[|\]$/g, ""), port };
  });
  const asked = new URLSearchParams(query);
  for (const name of asked.keys())
    if (name !== "mechanism") throw refused(address, `the parameter ${name} is not known`);
  const mechanism = mechanisms.get(asked.get("mechanism")?.toLowerCase() ?? "scram-sha-256");
  if (mechanism === undefined)
    throw refused(address, `mechanisms are ${[...mechanisms.keys()].join(", ")}`);
  const shown = seeds.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return {
    text: `${scheme}://${shown.join(",")}`,
    seeds,
    tls: scheme === "kafkas",
    user: credentials === undefined ? undefined : userOf(credentials, address),
    mechanism,
  };
}

function userOf(credentials: string, address: string): { name: string; password: string } {
  const colon = credentials.indexOf(":");
  if (colon < 1) throw refused(address, "credentials are user:password, percent-encoded");
  try {
    const name = decodeURIComponent(credentials.slice(0, colon));
    return { name, password: decodeURIComponent(credentials.slice(colon + 1)) };
  } catch {
    throw refused(address, "credentials are user:password, percent-encoded");
  }
}

function refused(address: string, advice: string): Error {
  const shown = address.replace(/^([^:]*:\/*)?.*@/s, "$1***@");
  return systemError("INVALID_ARGUMENT", `"${shown}" is not an address of Kafka`, {
    executed: "no",
    advice,
  });
}
