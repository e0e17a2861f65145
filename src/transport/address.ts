import { isIPv6 } from "node:net";
import { resolve } from "node:path";

import { systemError, type SystemError } from "../base/error.ts";

/**
 * Where something is reached, and how: `[protocol+]transport:place` (unix:/run/x.sock, tcp://host:7400). `service:orders`, for
 * clients only, is wherever discovery finds the contract.
 */
export interface Address {
  /** The whole address as people read it: normal form, no credentials. */
  readonly text: string;
  /** `rsocket` for memory, unix, tcp…; `rest` for http; `grpc` for grpc. A name before a plus wins: `grpc+unix`. */
  readonly protocol: string;
  /** The name of the transport: `unix`; `tcp` under http and grpc, `tls` under https and grpcs. */
  readonly transport: string;
  /** What follows the scheme: an absolute path, a name, `host:port`, or a process. */
  readonly place: string;
  /** What follows a question mark, `?ttl=1`, where the scheme has such terms; its transport says what they mean. */
  readonly parameters?: Readonly<Record<string, string>>;
}

type PlaceKind = "path" | "name" | "host" | "process" | "queue" | "nothing";

interface Scheme {
  readonly protocol: string;
  readonly transport: string;
  readonly place: PlaceKind;
  /** What may follow a question mark. Default: nothing may. */
  readonly parameters?: readonly string[];
}

/** What each scheme says when nothing stands before a plus. */
const schemes: ReadonlyMap<string, Scheme> = new Map([
  ["memory", { protocol: "rsocket", transport: "memory", place: "name" }],
  ["worker", { protocol: "rsocket", transport: "worker", place: "name" }],
  ["stdio", { protocol: "rsocket", transport: "stdio", place: "nothing" }],
  ["fifo", { protocol: "rsocket", transport: "fifo", place: "path" }],
  ["unixgram", { protocol: "datagram", transport: "unixgram", place: "path" }],
  ["udp", { protocol: "datagram", transport: "udp", place: "host" }],
  [
    "udp+multicast",
    {
      protocol: "datagram",
      transport: "udp+multicast",
      place: "host",
      parameters: ["interface", "ttl"],
    },
  ],
  [
    "signal",
    {
      protocol: "signal",
      transport: "signal",
      place: "process",
      parameters: ["operation", "signal"],
    },
  ],
  [
    "mq",
    {
      protocol: "datagram",
      transport: "mq",
      place: "queue",
      parameters: ["bytes", "messages"],
    },
  ],
  ["unixpacket", { protocol: "rsocket", transport: "unixpacket", place: "path" }],
  ["unix", { protocol: "rsocket", transport: "unix", place: "path" }],
  ["tcp", { protocol: "rsocket", transport: "tcp", place: "host" }],
  ["tls", { protocol: "rsocket", transport: "tls", place: "host" }],
  ["http", { protocol: "rest", transport: "tcp", place: "host" }],
  ["https", { protocol: "rest", transport: "tls", place: "host" }],
  ["grpc", { protocol: "grpc", transport: "tcp", place: "host" }],
  ["grpcs", { protocol: "grpc", transport: "tls", place: "host" }],
  // Who is behind it, and how they are reached, is for discovery to say.
  ["service", { protocol: "service", transport: "service", place: "name" }],
]);

/** What may stand before a plus, and the protocol it means. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ["rsocket", "rsocket"],
  ["http", "rest"],
  ["grpc", "grpc"],
  ["connect", "connect"],
]);

/** Where a scheme is at home when its address does not say (RFC 9110). */
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
]);

/** The longest path of a socket file in bytes: `sun_path` has 108 on Linux, the last one is zero. */
export const socketPathBytesMax = 107;

/**
 * Reads an address and brings it into its normal form: paths absolute, hosts in lower case. Whatever is not an address
 * is refused with INVALID_ARGUMENT, and words about how to write it.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:([a-z0-9]+)\+)?([a-z0-9]+):(.*)$/s.exec(text);
  if (match === null) throw notAnAddress(text, "it does not begin with a scheme and a colon");
  const [, before, last = "", rest = ""] = match;
  const joined = `${before}+${last}`;
  const [prefix, name] = schemes.has(joined) ? [undefined, joined] : [before, last];
  const scheme = schemes.get(name);
  if (scheme === undefined) throw unknown(text, name, [...schemes.keys()], "scheme");
  let { protocol } = scheme;
  if (prefix !== undefined) {
    const named = prefixes.get(prefix);
    if (named === undefined) throw unknown(text, prefix, [...prefixes.keys()], "protocol");
    if (name !== scheme.transport || name === scheme.protocol) {
      throw notAnAddress(text, `"${name}" already names a protocol: leave out "${prefix}+"`);
    }
    protocol = named;
  }
  const [where, parameters] =
    scheme.parameters === undefined
      ? [rest, undefined]
      : readParameters(text, name, scheme.parameters, rest);
  const [separator, place] = readPlace(text, name, scheme, where);
  const shown = `${prefix === undefined ? "" : `${prefix}+`}${name}:${separator}${place}`;
  const { transport } = scheme;
  if (parameters === undefined) return { text: shown, protocol, transport, place };
  return { text: shown + shownParameters(parameters), protocol, transport, place, parameters };
}

/** What stands before the question mark, and the terms behind it by their names, in order. */
function readParameters(
  text: string,
  name: string,
  known: readonly string[],
  rest: string,
): [string, Readonly<Record<string, string>>] {
  const at = rest.indexOf("?");
  if (at === -1) return [rest, {}];
  const read = new Map<string, string>();
  for (const part of rest.slice(at + 1).split("&")) {
    const [, key = "", value = ""] = /^([a-z]+)=([A-Za-z0-9._:%+-]+)$/.exec(part) ?? [];
    if (!known.includes(key) || read.has(key)) {
      const all = known.map((each) => `${each}=…`).join("&");
      throw notAnAddress(text, `after the question mark ${name}: has ${all}, each at most once`);
    }
    read.set(key, value);
  }
  const sorted = [...read].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [rest.slice(0, at), Object.fromEntries(sorted)];
}

function shownParameters(parameters: Readonly<Record<string, string>>): string {
  const parts = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** What stands between the colon and the place, and the place in its normal form. */
function readPlace(text: string, name: string, scheme: Scheme, rest: string): ["" | "//", string] {
  switch (scheme.place) {
    case "path":
      return ["", readPath(text, name, scheme, rest)];
    case "host":
      return ["//", readHost(text, name, rest)];
    case "name":
      if (/^[A-Za-z0-9._-]+$/.test(rest)) return ["", rest];
      throw notAnAddress(text, `write a name of letters, digits, dots and dashes: ${name}:orders`);
    case "queue":
      if (/^\/[A-Za-z0-9._-]{1,200}$/.test(rest)) return ["", rest];
      throw notAnAddress(text, `write a slash and a name without further ones: ${name}:/orders`);
    case "process":
      if (/^(self|[1-9]\d{0,9})$/.test(rest)) return ["", rest];
      throw notAnAddress(text, `write the number of a process, or self for this one: ${name}:4711`);
    case "nothing":
      if (rest === "") return ["", ""];
      throw notAnAddress(text, `nothing follows the colon: ${name}:`);
  }
}

function readPath(text: string, name: string, scheme: Scheme, rest: string): string {
  if (rest === "") throw notAnAddress(text, `the path is missing: ${name}:/run/orders.sock`);
  if (rest.startsWith("//")) {
    const path = rest.replace(/^\/+/, "/");
    throw notAnAddress(text, `a path follows one colon, without //: ${name}:${path}`);
  }
  if (rest.includes("\0")) throw notAnAddress(text, "a path must not contain a NUL character");
  const path = resolve(rest);
  if (scheme.transport.startsWith("unix")) checkSocketPath(path);
  return path;
}

/** Refuses a path that does not fit into the address of a socket. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= socketPathBytesMax) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `the path ${path} is ${bytes} bytes long; the path of a socket may have ${socketPathBytesMax}`,
    {
      executed: "no",
      advice:
        "choose a shorter folder, for example under /run or /tmp; a relative path counts in full",
    },
  );
}

function readHost(text: string, name: string, rest: string): string {
  const refuse = (why: string, example: string = "host:7400"): never => {
    throw notAnAddress(text, `${why}: ${name}://${example}`);
  };
  if (!rest.startsWith("//")) refuse("a host follows two slashes");
  if (rest.includes("@")) throw notAnAddress(text, "credentials do not belong into an address");
  const place = rest.slice(2).replace(/\/$/, "");
  const [, host = "", port, tail = ""] =
    /^(\[[^\]]*\]|[^:/?#[\]]*)(?::([^:/?#]*))?(.*)$/s.exec(place) ?? [];
  if (/^[:[\]]/.test(tail)) refuse("an IPv6 host stands in brackets", "[::1]:7400");
  if (tail !== "") refuse("nothing may follow the port");
  if (host === "") refuse("the host is missing");
  if (port === undefined && !defaultPorts.has(name)) refuse("the port is missing");
  const shown = port ?? defaultPorts.get(name)!;
  if (!/^\d{1,5}$/.test(shown) || Number(shown) > 65_535) {
    throw notAnAddress(text, `the port is a number from 0 to 65535, not "${shown}"`);
  }
  const known = host.startsWith("[") ? isIPv6(host.slice(1, -1)) : /^[A-Za-z0-9._-]+$/.test(host);
  if (!known) throw notAnAddress(text, `"${host}" is not a host`);
  return `${host.toLowerCase()}:${Number(shown)}`;
}

function unknown(text: string, name: string, known: readonly string[], what: string): SystemError {
  return systemError("INVALID_ARGUMENT", `"${conceal(text)}": the ${what} "${name}" is not known`, {
    executed: "no",
    advice: `known are ${known.join(", ")}`,
  });
}

function notAnAddress(text: string, advice: string): SystemError {
  return systemError("INVALID_ARGUMENT", `"${conceal(text)}" is not an address`, {
    executed: "no",
    advice,
  });
}

/** Without what may be credentials: everything between the colon and the last "@", except in a path. */
function conceal(text: string): string {
  const shown = /^(?:[a-z]+\+)?(?:unix(?:gram|packet)?|fifo):(?!\/\/)/.test(text)
    ? text
    : text.replace(/^([^:]*:\/*)?.*@/s, "$1***@");
  return shown.replaceAll("\0", "\\0");
}
