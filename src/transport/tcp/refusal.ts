import { isIP } from "node:net";

import { systemError, type SystemError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Address } from "../address.ts";
import { hostOf, portOf } from "../host-port.ts";
import type { Failure } from "./race.ts";

type Words = readonly [code: SystemCode, reason: string, advice?: string];

const exhausted: Readonly<Record<string, Words>> = {
  EMFILE: [
    "RESOURCE_EXHAUSTED",
    "this process has as many files open as it may",
    "raise `ulimit -n`, or close connections",
  ],
  ENFILE: [
    "RESOURCE_EXHAUSTED",
    "the system has as many files open as it may",
    "close files, or raise fs.file-max",
  ],
  ENOBUFS: ["RESOURCE_EXHAUSTED", "the system has no memory for the socket", "free some"],
  ENOMEM: ["RESOURCE_EXHAUSTED", "the system has no memory for the socket", "free some"],
};

const noIPv6 = "use an IPv4 address or a name, or switch IPv6 on";

/** What the errors of the system mean when connecting, the most telling first: of several addresses it speaks for all. */
const dialWords: Readonly<Record<string, Words>> = {
  ...exhausted,
  ECONNREFUSED: [
    "UNAVAILABLE",
    "nobody listens there",
    "start the server, or look whether host and port are right",
  ],
  EACCES: [
    "PERMISSION_DENIED",
    "this host does not let us connect there",
    "look at its firewall and at the rights of this process",
  ],
  EPERM: [
    "PERMISSION_DENIED",
    "this host does not let us connect there",
    "look at its firewall and at the rights of this process",
  ],
  ECONNRESET: [
    "UNAVAILABLE",
    "the connection was reset at once",
    "look whether the server has as many connections as it takes",
  ],
  ETIMEDOUT: [
    "UNAVAILABLE",
    "the host does not answer",
    "look whether it is up, and whether a firewall is between",
  ],
  EHOSTUNREACH: [
    "UNAVAILABLE",
    "no way leads to that host",
    "look whether it is up, and at the routes of this one",
  ],
  ENETUNREACH: ["UNAVAILABLE", "no way leads to that network", "look at the routes of this host"],
  EADDRNOTAVAIL: [
    "UNAVAILABLE",
    "this host has no address or no free port from which to connect there",
    "look whether IPv6 is switched on here, and whether thousands of connections are open",
  ],
  EAFNOSUPPORT: ["UNAVAILABLE", "this host has no such kind of address", noIPv6],
};

const lookupWords: Readonly<Record<string, Words>> = {
  ENOTFOUND: ["UNAVAILABLE", "the host is not known", "look whether its name is spelt right"],
  EAI_AGAIN: ["UNAVAILABLE", "the name service does not answer", "look whether DNS works here"],
  ...exhausted,
};

/** Translates why none of the addresses could be connected to. */
export function dialRefused(address: Address, failures: readonly Failure[]): SystemError {
  const codes = failures.map(({ error }) => error.code ?? "");
  const telling = Object.keys(dialWords).find((code) => codes.includes(code));
  const { error } = failures[telling === undefined ? 0 : codes.indexOf(telling)]!;
  const words: Words = dialWords[telling ?? ""] ?? ["UNAVAILABLE", error.message];
  return refused(address, words, details(address, failures, telling), error);
}

/** Translates why a name has no address. */
export function hostUnknown(address: Address, error: unknown): SystemError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "ENOTFOUND";
  const told = error instanceof Error ? error.message : "the host has no address";
  return refused(address, lookupWords[code] ?? ["UNAVAILABLE", told], code, error);
}

/** Dialling took longer than allowed: `silent` have not answered, the others have failed. */
export function notInTime(
  address: Address,
  silent: readonly string[],
  failures: readonly Failure[],
): SystemError {
  const who = silent.length > 0 && isIP(hostOf(address)) === 0 ? `: ${silent.join(", ")}` : "";
  const others = failures.length > 0 ? details(address, failures, undefined) : "";
  const reason = silent.length > 0 ? `no answer in time${who}` : "not connected in time";
  return refused(
    address,
    ["UNAVAILABLE", reason, "look whether the host is up, and whether a firewall is between"],
    others,
    failures[0]?.error,
  );
}

/** Translates what the system says when listening fails. */
export function listenRefused(address: Address, error: NodeJS.ErrnoException): SystemError {
  const { code = "" } = error;
  return refused(address, listenWords(address, error), code, error);
}

function listenWords(address: Address, error: NodeJS.ErrnoException): Words {
  const { code = "" } = error;
  const port = portOf(address);
  switch (code) {
    case "EADDRINUSE":
      return [
        "UNAVAILABLE",
        "the address is in use",
        `stop who listens there (\`ss -ltnp sport = :${port}\` tells), or choose another port; port 0 is a free one`,
      ];
    case "EACCES":
    case "EPERM":
      if (port >= 1024) return ["PERMISSION_DENIED", "this process may not listen there"];
      return [
        "PERMISSION_DENIED",
        `this process may not listen on port ${port}, which is below 1024`,
        "choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE",
      ];
    case "EADDRNOTAVAIL":
      return [
        "INVALID_ARGUMENT",
        "this host does not have that address",
        "listen on one that it has; on [::] or 0.0.0.0 it is all of them",
      ];
    case "EAFNOSUPPORT":
      return ["INVALID_ARGUMENT", "this host has no such kind of address", noIPv6];
    default:
      return exhausted[code] ?? ["UNAVAILABLE", error.message];
  }
}

/** The codes of the system; with the addresses where the one that was dialled does not say them. */
function details(
  address: Address,
  failures: readonly Failure[],
  telling: string | undefined,
): string {
  if (isIP(hostOf(address)) !== 0) return telling ?? "";
  return failures.map(({ ip, error }) => `${ip}: ${error.code ?? error.message}`).join(", ");
}

function refused(
  address: Address,
  [code, reason, advice]: Words,
  detail: string,
  cause: unknown,
): SystemError {
  const told = detail === "" ? reason : `${reason} (${detail})`;
  return systemError(code, told, { executed: "no", endpoint: address.text, cause, advice });
}
