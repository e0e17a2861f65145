import { systemError, type TrunklineError } from "../../base/error.ts";

/** One server of a cluster. */
export interface AmqpHost {
  readonly host: string;
  readonly port: number;
}

/** `amqp://user:password@h1:5672,h2:5673/vhost`, taken apart. */
export interface AmqpAddress {
  /** The whole address as people read it: no credentials. */
  readonly text: string;
  readonly secure: boolean;
  /** Tried in turn. */
  readonly hosts: readonly AmqpHost[];
  readonly vhost: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** The most hosts of one address. */
const hostsMax = 32;
/** Where AMQP is at home, without and with TLS. */
const ports = { amqp: 5_672, amqps: 5_671 };

/**
 * Reads an address: user, password and virtual host are percent-encoded, as the URI specification of RabbitMQ has them; without a
 * path the virtual host is `/`. Refuses with INVALID_ARGUMENT, and never shows what may be credentials.
 */
export function parseAmqpAddress(text: string): AmqpAddress {
  const shown = text.replace(/^([^:]*:\/*)?.*@/s, "$1***@");
  const match = /^(amqps?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/.exec(text);
  if (match === null) throw notAnAddress(shown, "write amqp://user:password@host:5672/vhost");
  const [, scheme = "", login, places = "", path] = match;
  const secure = scheme === "amqps";
  const hosts = places.split(",").map((place) => hostOf(place, shown, secure));
  if (hosts.length > hostsMax) throw notAnAddress(shown, `it may name ${hostsMax} hosts`);
  const [user, ...password] = login?.split(":") ?? [];
  const vhost = path === undefined ? "/" : decoded(path, shown);
  const place = hosts.map(({ host, port }) => `${host}:${port}`).join(",");
  return {
    text: `${scheme}://${place}${path === undefined ? "" : `/${path}`}`,
    secure,
    hosts,
    vhost,
    user: user === undefined ? undefined : decoded(user, shown),
    password: password.length === 0 ? undefined : decoded(password.join(":"), shown),
  };
}

function hostOf(place: string, shown: string, secure: boolean): AmqpHost {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(place);
  const port = Number(match?.[2] ?? (secure ? ports.amqps : ports.amqp));
  if (match === null || port < 1 || port > 65_535)
    throw notAnAddress(shown, "hosts are host:port, with commas between them");
  return { host: match[1]!.replace(/^\[|\]$/g, "").toLowerCase(), port };
}

function decoded(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notAnAddress(shown, "a % is followed by two hexadecimal digits");
  }
}

function notAnAddress(shown: string, advice: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", `"${shown}" is not an address of RabbitMQ`, {
    executed: "no",
    advice,
  });
}
