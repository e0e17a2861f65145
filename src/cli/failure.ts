import { isTrunklineError } from "../base/error.ts";
import { UsageError } from "./command.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { InputError } from "./standard-input.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";

/** Tells what went wrong, by its message and never by a stack, and gives the exit code. */
export async function tellFailure(
  error: unknown,
  terminal: Terminal,
  json: boolean,
): Promise<number> {
  const code = terminal.interrupted.aborted ? exitCodes.interrupted : exitCodeOf(error);
  if (json) await printJson(terminal, { ok: false, exitCode: code, error: plain(error) });
  else terminal.tell(`${shown(error, terminal)}\n`);
  return code;
}

function plain(error: unknown): unknown {
  if (isTrunklineError(error)) return error.toJSON();
  const code = error instanceof UsageError ? "INVALID_ARGUMENT" : "INTERNAL";
  const executed = error instanceof InputError ? error.executed : "no";
  return { code, executed, reason: messageOf(error) };
}

function shown(error: unknown, terminal: Terminal): string {
  if (error instanceof InputError && error.executed !== "no")
    return `trunkline: ${error.message}\n  executed: ${error.executed} · the request was cancelled`;
  if (!isTrunklineError(error)) return `trunkline: ${messageOf(error)}`;
  const { message, code, data } = error;
  const text = message.replace(code, styled(terminal, "red", code));
  return data === undefined ? text : `${text}\n  data: ${JSON.stringify(data)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
