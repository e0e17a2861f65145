import { statSync } from "node:fs";

import { systemError, type SystemError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Address } from "../address.ts";
import type { ChildProgram } from "./options.ts";

export function noCommand(address: Address): SystemError {
  return refused(
    "INVALID_ARGUMENT",
    address,
    "no command was given that could be started",
    'name it: transports: [stdio({ command: "node", args: ["orders.ts"] })]',
  );
}

export function notInTime(address: Address): SystemError {
  return refused("UNAVAILABLE", address, "not started in time");
}

/** Translates what the system says when a program cannot be started. */
export function spawnRefused(
  address: Address,
  { command, cwd }: ChildProgram,
  error: NodeJS.ErrnoException,
): SystemError {
  const { code = "" } = error;
  const told = (what: string): string => `${what} (${code})`;
  const refuse = (as: SystemCode, reason: string, advice?: string): SystemError =>
    refused(as, address, reason, advice, error);
  if ((code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") && !isFolder(cwd)) {
    const reason = told(`the folder ${cwd} in which ${command} is to be started is not there`);
    return refuse("INVALID_ARGUMENT", reason, "make it, or correct cwd");
  }
  switch (code) {
    case "ENOENT":
      return refuse(
        "UNAVAILABLE",
        told(`there is no program ${command}`),
        "install it, write its whole path, or look at PATH; of a script, look at its first line too",
      );
    case "EACCES":
    case "EPERM":
      return refuse(
        "PERMISSION_DENIED",
        told(`${command} may not be run`),
        "make it executable (chmod +x), or start what runs it: command: process.execPath, args: [file]",
      );
    case "EAGAIN":
      return refuse(
        "RESOURCE_EXHAUSTED",
        told(`${command} was not started: the user has as many processes as it may`),
        "end some, or raise `ulimit -u`",
      );
    case "EMFILE":
    case "ENFILE":
    case "ENOMEM":
      return refuse(
        "RESOURCE_EXHAUSTED",
        told(`${command} was not started: no more files can be opened, or memory had`),
        "raise `ulimit -n`, or close connections",
      );
    case "E2BIG":
    case "ENOEXEC":
    case "ERR_INVALID_ARG_VALUE":
    case "ERR_INVALID_ARG_TYPE":
      return refuse(
        "INVALID_ARGUMENT",
        `${command} cannot be started: ${error.message}`,
        "correct command, args or env",
      );
    default:
      return refuse("UNAVAILABLE", `${command} was not started: ${error.message}`);
  }
}

export function inUse(address: Address, fds: readonly number[]): SystemError {
  return refused(
    "UNAVAILABLE",
    address,
    `the address is in use: this process speaks over the descriptors ${fds.join(" and ")} already`,
    "listen there once; a child has one connection, to whoever has started it",
  );
}

export function isTerminal(address: Address, fd: number): SystemError {
  return refused(
    "INVALID_ARGUMENT",
    address,
    `descriptor ${fd} is a terminal: this program speaks frames there, not with people`,
    "let another program start it, by stdio({ command: … })",
  );
}

/** `what`: "is not open", "is a file". */
export function noPipe(address: Address, fd: number, what: string, cause?: unknown): SystemError {
  const advice =
    fd <= 1
      ? "let another program start this one, by stdio({ command: … })"
      : "let whoever starts this program give the same fds, by stdio({ command: …, fds: … })";
  const reason = `descriptor ${fd} ${what}, and frames need a pipe`;
  return refused("INVALID_ARGUMENT", address, reason, advice, cause);
}

function isFolder(path: string | undefined): boolean {
  return path === undefined || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function refused(
  code: SystemCode,
  address: Address,
  reason: string,
  advice?: string,
  cause?: unknown,
): SystemError {
  const details = { executed: "no", endpoint: address.text, advice, cause } as const;
  return systemError(code, reason, details);
}
